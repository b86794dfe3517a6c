package sops

import (
	"crypto/rand"
	"fmt"
)

// splitKey shares a key between parts, of which any threshold give it back: for each of
// its bytes, the values of a random polynomial of degree threshold-1 over GF(2^8), whose
// value at 0 is the byte. Part i is that at i+1, which it ends with.
func splitKey(key []byte, parts, threshold int) ([][]byte, error) {
	switch {
	case parts > 255:
		return nil, fmt.Errorf("the key can't be shared between %d key groups: 255 are the most", parts)
	case threshold < 2:
		return nil, fmt.Errorf("shamir_threshold is %d, and sops takes no less than 2 for several key groups", threshold)
	case threshold > parts:
		return nil, fmt.Errorf("shamir_threshold is %d, and there are only %d key groups", threshold, parts)
	}
	shares := make([][]byte, parts)
	for i := range shares {
		shares[i] = make([]byte, len(key)+1)
		shares[i][len(key)] = byte(i + 1)
	}
	coefficients := make([]byte, threshold)
	for j, b := range key {
		// It never fails.
		_, _ = rand.Read(coefficients)
		coefficients[0] = b
		for _, share := range shares {
			share[j] = evaluate(coefficients, share[len(key)])
		}
	}
	return shares, nil
}

// evaluate is the value of a polynomial, the lowest coefficient first.
func evaluate(coefficients []byte, x byte) byte {
	var y byte
	for i := len(coefficients) - 1; i >= 0; i-- {
		y = multiply(y, x) ^ coefficients[i]
	}
	return y
}

// multiply is the product in GF(2^8) modulo x^8+x^4+x^3+x+1, in a time that does not
// tell the factors.
func multiply(a, b byte) byte {
	var product byte
	for range 8 {
		product ^= -(b & 1) & a
		a = a<<1 ^ -(a>>7)&0x1b
		b >>= 1
	}
	return product
}
