package reliability

import (
	"strings"
	"time"
	_ "time/tzdata" // for a machine that has no zone files, as Kubernetes does

	"github.com/robfig/cron/v3"
)

// scheduleFault says what is wrong with a schedule in the notation of cron, ""
// for nothing. It is read by the parser that Kubernetes, Velero and Argo CD read
// it with; named says that names such as @daily are allowed.
func scheduleFault(text string, named bool) string {
	zone, rest := "", text
	if strings.HasPrefix(text, "TZ=") || strings.HasPrefix(text, "CRON_TZ=") {
		// The parser takes a zone without anything behind it for granted, and
		// panics: what is behind it is all that it must see.
		var ok bool
		zone, rest, ok = strings.Cut(text, " ")
		if !ok {
			return "can't be read: it has a time zone, and nothing else"
		}
		_, zone, _ = strings.Cut(zone, "=")
		rest = strings.TrimSpace(rest)
	}
	if zone != "" && !isZone(zone) {
		return "can't be read: there is no time zone " + quoted(zone)
	}
	if strings.HasPrefix(rest, "TZ=") || strings.HasPrefix(rest, "CRON_TZ=") {
		return "can't be read: it has two time zones"
	}
	options := cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow
	if named {
		options |= cron.Descriptor
	}
	schedule, err := cron.NewParser(options).Parse(rest)
	if err != nil {
		return "can't be read: " + clip(err.Error())
	}
	// A field of commas alone is read as no minute or hour at all, which the
	// search below would look for in five years of minutes.
	if s, ok := schedule.(*cron.SpecSchedule); ok && (s.Minute == 0 || s.Hour == 0) {
		return "never comes"
	}
	// The parser looks five years ahead, which from here has a leap day.
	if schedule.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return "never comes"
	}
	return ""
}

// isZone says that there is a time zone of that name, as the API server has it:
// validateTimeZone in k8s.io/kubernetes pkg/apis/batch/validation. Only names of
// that form ever reach the zone files of the machine.
func isZone(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || len(part) > 14 || part[0] == '-' || strings.ContainsFunc(part, notInZone) {
			return false
		}
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

func notInZone(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("._-+", r)
}

// clip is the beginning of a text that may be as long as a hostile file.
func clip(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

func quoted(text string) string { return `"` + clip(text) + `"` }
