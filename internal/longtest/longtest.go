// Package longtest says how much random tests try: more in a long run, which `make test-long` starts.
package longtest

import "os"

// Variable is the environment variable that asks for a long run when it is 1.
const Variable = "PARLEY_TEST_LONG"

// Long says whether this is a long run.
func Long() bool { return os.Getenv(Variable) == "1" }

// Times returns n, and twice n in a long run.
func Times(n int) int {
	if Long() {
		return 2 * n
	}
	return n
}
