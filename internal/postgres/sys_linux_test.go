package postgres

import (
	"os"
	"runtime"
	"syscall"
)

// loseCapabilities restarts this program without these capabilities, like a container's root, with the given order in
// its environment.
func loseCapabilities(capabilities []uintptr, variable, again string) {
	const dropFromBoundingSet = 24 // PR_CAPBSET_DROP; takes effect at the next exec
	runtime.LockOSThread()
	for _, c := range capabilities {
		if _, _, err := syscall.RawSyscall(syscall.SYS_PRCTL, dropFromBoundingSet, c, 0); err != 0 {
			panic(err)
		}
	}
	if err := os.Setenv(variable, again); err != nil {
		panic(err)
	}
	panic(syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}
