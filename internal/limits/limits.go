// Package limits holds how much scantling spends on what it is given, under the
// names by which the command line and the configuration raise it. Repositories
// are written by strangers: whatever can grow has its limit here.
package limits

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/agext/levenshtein"
	"github.com/scantling-dev/scantling/internal/manifest"
)

// Limits is what one run may cost. Make it with Default; a zero field is no
// default but for those of YAML.
type Limits struct {
	// YAML is about one stream of YAML or JSON.
	YAML manifest.Limits
	// Files is the most files of a repository in one run.
	Files int
	// ChartFileSize is the most bytes of one file of a chart.
	ChartFileSize int64
	// ArchiveSize is the most bytes that one packaged chart inflates to.
	ArchiveSize int64
	// ArchivesSize is the most bytes that all packaged charts of a run inflate
	// to.
	ArchivesSize int64
	// RenderedSize is the most bytes that one unit renders to.
	RenderedSize int64
	// RenderedTotal is the most bytes that all units of a run render to.
	RenderedTotal int64
	// RenderTimeout is the processor time that rendering one unit may take.
	RenderTimeout time.Duration
	// WorkerMemory is the most bytes of memory of a process that renders.
	WorkerMemory int64
}

// Default is what a run may cost unless someone says otherwise. The numbers are
// far above what 42 public GitOps repositories need, and low enough that a run
// on hostile input stays below 1 GiB and ends.
func Default() Limits {
	return Limits{
		YAML: manifest.Limits{
			FileSize:   manifest.DefaultFileSize,
			Depth:      manifest.DefaultDepth,
			AliasNodes: manifest.DefaultAliasNodes,
			Documents:  manifest.DefaultDocuments,
		},
		Files:         200_000,
		ChartFileSize: 5 << 20,
		ArchiveSize:   50 << 20,
		ArchivesSize:  200 << 20,
		RenderedSize:  64 << 20,
		RenderedTotal: 512 << 20,
		RenderTimeout: 4 * time.Second,
		WorkerMemory:  900 << 20,
	}
}

// Unit is what a limit counts.
type Unit string

// The units.
const (
	Count    Unit = "number"
	Bytes    Unit = "size"
	Duration Unit = "duration"
)

// Option is what there is to know of one limit.
type Option struct {
	// Name is that of the option and of the key, such as "file-size".
	Name string
	// Meaning says what it limits.
	Meaning string
	Unit    Unit
	// Default is its value unless someone says otherwise, and Max the largest
	// that the configuration file may set, as a person writes them.
	Default, Max string
}

// option is an Option with the way to its field.
type option struct {
	name, meaning string
	unit          Unit
	max           int64 // for the configuration file
	// field is a *int, *int64 or *time.Duration.
	field func(*Limits) any
}

// table is in the order in which an input meets the limits.
func table() []option {
	return []option{
		{"files", "files of the repository in one run", Count, 1_000_000, func(l *Limits) any { return &l.Files }},
		{"file-size", "one file, or one text that was rendered", Bytes, 64 << 20, func(l *Limits) any { return &l.YAML.FileSize }},
		{"documents", "documents in one file", Count, 100_000, func(l *Limits) any { return &l.YAML.Documents }},
		{"depth", "mappings and lists inside each other", Count, 1_000, func(l *Limits) any { return &l.YAML.Depth }},
		{"alias-nodes", "values of one document once its aliases are expanded", Count, 4_000_000, func(l *Limits) any { return &l.YAML.AliasNodes }},
		{"chart-file-size", "one file of a chart", Bytes, 64 << 20, func(l *Limits) any { return &l.ChartFileSize }},
		{"archive-size", "what one packaged chart inflates to", Bytes, 256 << 20, func(l *Limits) any { return &l.ArchiveSize }},
		{"archives-size", "what all packaged charts of a run inflate to", Bytes, 1 << 30, func(l *Limits) any { return &l.ArchivesSize }},
		{"rendered-size", "what one unit renders to", Bytes, 256 << 20, func(l *Limits) any { return &l.RenderedSize }},
		{"rendered-total", "what all units of a run render to", Bytes, 2 << 30, func(l *Limits) any { return &l.RenderedTotal }},
		{"render-timeout", "processor time to render one unit", Duration, int64(16 * time.Second), func(l *Limits) any { return &l.RenderTimeout }},
		{"worker-memory", "memory of a process that renders", Bytes, 2 << 30, func(l *Limits) any { return &l.WorkerMemory }},
	}
}

// Options are all limits, in the order in which an input meets them.
func Options() []Option {
	def := Default()
	var all []Option
	for _, o := range table() {
		all = append(all, Option{Name: o.name, Meaning: o.meaning, Unit: o.unit, Default: o.format(o.get(&def)), Max: o.format(o.max)})
	}
	return all
}

// Names are the names of all limits, in the order of Options.
func Names() []string {
	var names []string
	for _, o := range table() {
		names = append(names, o.name)
	}
	return names
}

// Set changes the limit of that name: to a number, a size such as 10MiB, or a
// duration such as 500ms. The error names the option, and for an unknown one
// the nearest that there is.
func (l *Limits) Set(name, value string) error { return l.set(name, value, false) }

// Configure is Set for a value of the configuration file. Whoever opens a pull
// request writes that file, so it can't go beyond Option.Max.
func (l *Limits) Configure(name, value string) error { return l.set(name, value, true) }

func (l *Limits) set(name, value string, capped bool) error {
	for _, o := range table() {
		if o.name != name {
			continue
		}
		n, err := o.parse(value)
		if err != nil {
			return fmt.Errorf("limit %s: %w", name, err)
		}
		if capped && n > o.max {
			return fmt.Errorf("limit %s: the file can't set more than %s: only the command line goes further, with --limit %s=%s",
				name, o.format(o.max), name, value)
		}
		o.put(l, n)
		return nil
	}
	if near := nearest(name); near != "" {
		return fmt.Errorf("unknown limit %q: did you mean %q?", clip(name), near)
	}
	return fmt.Errorf("unknown limit %q: it is one of %s", clip(name), strings.Join(Names(), ", "))
}

// Raise is how a person lets more through: the end of every error about the
// limit of that name. It is empty for a name that is none.
func Raise(name string) string {
	for _, o := range table() {
		if o.name == name {
			return fmt.Sprintf("raise it with --limit %s=%s, or limits.%s in .scantling.yaml", name, o.example(), name)
		}
	}
	return ""
}

func (o option) example() string {
	switch o.unit {
	case Bytes:
		return "SIZE"
	case Duration:
		return "DURATION"
	}
	return "N"
}

func (o option) get(l *Limits) int64 {
	switch p := o.field(l).(type) {
	case *int:
		return int64(*p)
	case *time.Duration:
		return int64(*p)
	default:
		return *p.(*int64)
	}
}

func (o option) put(l *Limits, n int64) {
	switch p := o.field(l).(type) {
	case *int:
		*p = int(n)
	case *time.Duration:
		*p = time.Duration(n)
	default:
		*p.(*int64) = n
	}
}

func (o option) parse(value string) (int64, error) {
	switch o.unit {
	case Bytes:
		number, unit := value, int64(1)
		for _, s := range sizes {
			if n, ok := strings.CutSuffix(value, s.suffix); ok {
				number, unit = strings.TrimSuffix(n, " "), s.bytes
				break
			}
		}
		if n, ok := parseCount(number); ok && n <= math.MaxInt64/unit {
			return n * unit, nil
		}
		return 0, fmt.Errorf("%q is no size: write bytes, or a whole number of KiB, MiB or GiB, such as 10MiB", clip(value))
	case Duration:
		if d, err := time.ParseDuration(value); err == nil && d >= time.Millisecond {
			return int64(d), nil
		}
		return 0, fmt.Errorf("%q is no duration: write a number and its unit, such as 500ms or 4s; the least is 1ms", clip(value))
	}
	if n, ok := parseCount(value); ok && n <= math.MaxInt32 {
		return n, nil
	}
	return 0, fmt.Errorf("%q is no number from 1 to %d", clip(value), math.MaxInt32)
}

// parseCount reads a number above 0, digits only.
func parseCount(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n > 0 && s[0] != '+'
}

var sizes = [...]struct {
	suffix string
	bytes  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}

// format writes a value as parse reads it.
func (o option) format(n int64) string {
	switch o.unit {
	case Bytes:
		for i := len(sizes) - 1; i >= 0; i-- {
			if s := sizes[i]; n%s.bytes == 0 {
				return strconv.FormatInt(n/s.bytes, 10) + s.suffix
			}
		}
	case Duration:
		return time.Duration(n).String()
	}
	return strconv.FormatInt(n, 10)
}

// nearest is the limit that was most likely meant by a mistyped name, or "".
func nearest(name string) string {
	best, least := "", max(2, len(name)/3)+1
	if len(name) > 2*len("chart-file-size") {
		return ""
	}
	for _, known := range Names() {
		if d := levenshtein.Distance(name, known, nil); d < least {
			best, least = known, d
		}
	}
	return best
}

// clip keeps a message short whatever it quotes.
func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
