package secrets

// IsClearCredential says that a value, by the keys that lead to it, is a credential that
// anyone can read. Who encrypts a file must not leave one.
func IsClearCredential(keys []string, value string) bool {
	return len(keys) > 0 && clearCredential(keys[len(keys)-1], value)
}
