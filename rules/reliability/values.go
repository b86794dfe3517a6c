package reliability

import "k8s.io/apimachinery/pkg/api/resource"

// readable says that a quantity was written as one: what is filled in later, or
// is no quantity, is the zero value. A written 0 is not, it keeps its text.
func readable(q resource.Quantity) bool { return q != (resource.Quantity{}) }
