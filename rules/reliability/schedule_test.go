package reliability

import (
	"strings"
	"testing"

	"github.com/robfig/cron/v3"
)

// What Kubernetes reads is no fault, and the other way round, whatever is
// written; and nothing makes the parser panic.
func FuzzScheduleFault(f *testing.F) {
	for _, text := range []string{
		"0 3 * * *", "*/5 8-18 1,15 jan-dec mon-fri", "@daily", "@every 1h", "@every -1s", "@reboot",
		"0 0 30 2 *", "0 0 29 2 *", "0 0 3 * * *", "60 * * * *", "5-1 * * * *", "*/0 * * * *", "? ? ? ? ?",
		"", " ", "TZ=UTC", "TZ=", "CRON_TZ=", "TZ= 0 3 * * *", "TZ=UTC 0 3 * * *", "CRON_TZ=Europe/Berlin @daily",
		", * * * *", "* , * * *", "* * , * *", "* * * , *", "* * * * ,",
		"TZ=UTC TZ=UTC 0 3 * * *", "TZ=UTC TZ=", "TZ=../../etc/passwd 0 3 * * *", "TZ=Local 0 3 * * *",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fault := scheduleFault(text, true)
		read := fault == "" || fault == "never comes"
		if kubernetes := kubernetesReads(text); read && !kubernetes || kubernetes && !read && !strings.Contains(fault, "time zone") {
			t.Errorf("%q: fault %q, but Kubernetes reads it: %v", text, fault, kubernetes)
		}
	})
}

func kubernetesReads(text string) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	_, err := cron.ParseStandard(text)
	return err == nil
}
