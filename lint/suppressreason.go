package lint

import (
	"fmt"
	"strings"
	"time"
)

// because is why something is ignored, and for how long.
type because struct {
	reason string
	until  time.Time // the last day; zero for no end
	fault  string    // what is wrong with the date
}

const untilWord = "until="

// because reads a reason, which may end with "; until=2027-01-31".
func parseBecause(text string) because {
	text = strings.TrimSpace(text)
	at := strings.LastIndex(text, untilWord)
	if at < 0 || strings.ContainsAny(text[at:], " ;,") || at > 0 && !strings.ContainsAny(text[at-1:at], " ;,") {
		return because{reason: clip(text, maxReason)}
	}
	b := because{reason: clip(strings.TrimRight(text[:at], " ;,"), maxReason)}
	b.until, b.fault = parseDay(text[at+len(untilWord):])
	return b
}

// parseDay reads a date, and says what is wrong with it.
func parseDay(text string) (day time.Time, fault string) {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, fmt.Sprintf("%q is no date: write until=YYYY-MM-DD", clip(text, maxName))
	}
	return day, ""
}

// over says that the last day has passed, and when it was.
func (b because) over(today time.Time) (string, bool) {
	if b.until.IsZero() || !today.After(b.until) {
		return "", false
	}
	return "ran out on " + b.until.Format(time.DateOnly), true
}
