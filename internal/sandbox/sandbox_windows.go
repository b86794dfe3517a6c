package sandbox

import (
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

const workingFolder = ""

func attributes() *syscall.SysProcAttr { return nil }

// job ends its processes when its last handle is closed, which is when this
// process ends.
var job = sync.OnceValue(func() windows.Handle {
	h, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	if _, err := windows.SetInformationJobObject(h, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info))); err != nil {
		return 0
	}
	return h
})

// adopt lets a worker end with this process. Without a job object its closed
// standard input ends it.
func adopt(p *os.Process) {
	h, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(p.Pid))
	if err != nil {
		return
	}
	defer windows.CloseHandle(h) //nolint:errcheck // nothing can be done about it
	if j := job(); j != 0 {
		_ = windows.AssignProcessToJobObject(j, h)
	}
}
