package render

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"helm.sh/helm/v3/pkg/chart/loader"
)

// What one archive may hold besides bytes. A chart has tens of files, and
// charts nest two or three deep.
const (
	maxArchiveEntries   = 10_000
	maxArchiveDepth     = 8
	maxArchiveEntryName = 4096 // Linux's PATH_MAX
)

// archiveLimits bound what packaged charts inflate to, in bytes. A field that
// is zero means its default.
type archiveLimits struct {
	// File is the largest file in an archive: 5 MiB, as helm has it.
	File int64
	// Archive is all that one archive holds, its headers and the archives in
	// it included: 50 MiB.
	Archive int64
}

// archiveBudget is what all archives of a run may inflate to together, in
// bytes. Bytes that were read out of an archive which was then refused count:
// they cost the same. It may be used from several goroutines.
type archiveBudget struct {
	limit int64
	spent atomic.Int64
}

func newArchiveBudget(limit int64) *archiveBudget { return &archiveBudget{limit: limit} }

// take reserves n bytes, and says whether they were left. Once they were not,
// nothing is.
func (b *archiveBudget) take(n int64) bool { return b.spent.Add(n) <= b.limit }

// used is how many bytes of the budget are gone, at most all.
func (b *archiveBudget) used() int64 { return min(b.spent.Load(), b.limit) }

// archiveError is why a packaged chart was refused.
type archiveError struct {
	// Class is the reserved rule: "limit-size" or "archive".
	Class string
	// Limit is the option that was exceeded, chart-file-size, archive-size or
	// archives-size; empty where no option raises it.
	Limit string
	// Archive is the name of the archive, as unpackArchive was told it.
	Archive string
	// Entry is the entry that is to blame, after the names of the nested
	// archives that it lies in; empty for the archive as a whole.
	Entry  string
	Reason string
}

// Error names the archive and the entry, escaped and cut: both were written by
// strangers. It is shorter than 2 KB.
func (e *archiveError) Error() string {
	if e.Entry == "" {
		return fmt.Sprintf("the packaged chart %s %s", quoteName(e.Archive), e.Reason)
	}
	return fmt.Sprintf("the packaged chart %s: its entry %s %s", quoteName(e.Archive), quoteName(e.Entry), e.Reason)
}

// quoteName quotes a name for a message.
func quoteName(name string) string { return cut(strconv.Quote(name), 600) }

// expandArchives puts in the place of each packaged chart (charts/*.tgz, in the
// chart itself and in the charts of its charts/ folders) a folder with what it
// holds, so that helm's loader, which inflates without regard to the run, meets
// no archive. An archive that is refused is left out, with its reason. from
// says of each file that came out of an archive which of the given files that
// was. The given list is not changed.
func expandArchives(files []*loader.BufferedFile, limits archiveLimits, budget *archiveBudget) (expanded []*loader.BufferedFile, from map[string]string, problems []*archiveError) {
	source := map[*loader.BufferedFile]string{}
	expanded, _ = replaceArchives(files, func(f *loader.BufferedFile) ([]*loader.BufferedFile, *archiveError) {
		held, err := unpackArchive(f.Name, f.Data, limits, budget)
		if err != nil {
			problems = append(problems, err)
		}
		for _, h := range held {
			source[h] = f.Name
		}
		return held, nil
	})
	from = make(map[string]string, len(source))
	for f, archive := range source {
		from[f.Name] = archive
	}
	return expanded, from, problems
}

// unpackArchive reads a packaged chart as helm does: gzip and tar, the first
// folder of each name left out, several entries of one name in their order
// (the loader lets the last one win). Archives in its charts/ folders are
// folders in the result. Unlike helm it refuses whatever helm package doesn't
// write and a reader may take in two ways: links and devices, names that leave
// the chart, data after the end. One bad entry refuses the archive, since helm
// would not deploy it either or deploy it in part. Nothing is written to disk.
func unpackArchive(name string, data []byte, limits archiveLimits, budget *archiveBudget) ([]*loader.BufferedFile, *archiveError) {
	u := &unpacking{
		file:   cmp.Or(limits.File, 5<<20),
		size:   cmp.Or(limits.Archive, 50<<20),
		budget: budget,
	}
	u.left = u.size
	files, err := u.archive(data, 1)
	if err != nil {
		err.Archive = name
		return nil, err
	}
	return files, nil
}

// unpacking is the reading of one archive with the archives in it.
type unpacking struct {
	file, size int64 // the limits
	left       int64 // of size
	entries    int   // seen so far
	budget     *archiveBudget
}

func (u *unpacking) archive(data []byte, depth int) ([]*loader.BufferedFile, *archiveError) {
	if depth > maxArchiveDepth {
		return nil, refuse("", "nests more than %d archives deep", maxArchiveDepth)
	}
	files, err := u.read(data)
	if err != nil {
		return nil, err
	}
	return replaceArchives(files, func(f *loader.BufferedFile) ([]*loader.BufferedFile, *archiveError) {
		held, err := u.archive(f.Data, depth+1)
		if err != nil {
			err.Entry = strings.TrimSuffix(f.Name+": "+err.Entry, ": ")
		}
		return held, err
	})
}

func refuse(entry, format string, args ...any) *archiveError {
	return &archiveError{Class: "archive", Entry: entry, Reason: fmt.Sprintf(format, args...)}
}

var (
	errArchiveSize  = errors.New("archive-size")
	errArchivesSize = errors.New("archives-size")
)

// broken is the reason why reading failed at an entry.
func (u *unpacking) broken(entry string, err error) *archiveError {
	tooLarge := func(limit, reason string) *archiveError {
		return &archiveError{Class: "limit-size", Limit: limit, Entry: entry, Reason: reason}
	}
	switch {
	case errors.Is(err, errArchiveSize):
		return tooLarge("archive-size", fmt.Sprintf("goes past the %s that an archive may inflate to (archive-size)", mebibytes(u.size)))
	case errors.Is(err, errArchivesSize):
		return tooLarge("archives-size", fmt.Sprintf("goes past the %s that all archives of a run may inflate to together (archives-size)", mebibytes(u.budget.limit)))
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return refuse(entry, "ends too early: the file is truncated")
	case errors.Is(err, gzip.ErrHeader):
		return refuse(entry, "is followed by data that is not gzip")
	case errors.Is(err, gzip.ErrChecksum):
		return refuse(entry, "is corrupt: the gzip checksum is wrong")
	case errors.Is(err, tar.ErrHeader), errors.Is(err, tar.ErrFieldTooLong):
		if entry == "" {
			return refuse("", "holds no tar archive")
		}
		return refuse(entry, "is not followed by a valid tar header")
	}
	return refuse(entry, "is corrupt")
}

func mebibytes(n int64) string {
	if n < 1<<20 || n%(1<<20) != 0 {
		return strconv.FormatInt(n, 10) + " bytes"
	}
	return strconv.FormatInt(n>>20, 10) + " MiB"
}

// read reads the entries of one archive.
func (u *unpacking) read(data []byte) ([]*loader.BufferedFile, *archiveError) {
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, refuse("", "%s", notGzip(data))
	}
	in := &inflater{unzipped, u}
	tr := tar.NewReader(in)
	var files []*loader.BufferedFile
	last := ""
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			// The header that can't be read has no name yet.
			return nil, u.broken(last, err)
		}
		last = h.Name
		if u.entries++; u.entries > maxArchiveEntries {
			return nil, &archiveError{Class: "limit-size", Reason: fmt.Sprintf("holds more than %d entries", maxArchiveEntries)}
		}
		keep, why := checkEntryType(h)
		if why != "" {
			return nil, refuse(h.Name, "%s", why)
		}
		if !keep {
			continue
		}
		name, why := entryName(h.Name)
		if why != "" {
			return nil, refuse(h.Name, "%s", why)
		}
		if h.Size > u.file {
			return nil, &archiveError{Class: "limit-size", Limit: "chart-file-size", Entry: h.Name,
				Reason: fmt.Sprintf("is larger than %s (chart-file-size)", mebibytes(u.file))}
		}
		if h.Size > u.left {
			return nil, u.broken(h.Name, errArchiveSize)
		}
		content := make([]byte, h.Size)
		if _, err := io.ReadFull(tr, content); err != nil {
			return nil, u.broken(h.Name, err)
		}
		files = append(files, &loader.BufferedFile{Name: name, Data: bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))})
	}
	// What is behind the end is zeros, up to a full record; reading them also
	// verifies the checksum, which stands last.
	if err := in.restIsZero(); err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, refuse("", "holds no files")
	}
	return files, nil
}

// inflater counts what an archive inflates to, whatever the reader does with
// it: headers, padding and skipped entries are inflated as the rest is.
type inflater struct {
	from io.Reader
	u    *unpacking
}

func (r *inflater) Read(p []byte) (int, error) {
	if int64(len(p)) > r.u.left {
		// One byte more shows whether there is more.
		p = p[:r.u.left+1]
	}
	n, err := r.from.Read(p)
	if int64(n) > r.u.left {
		return 0, errArchiveSize
	}
	if !r.u.budget.take(int64(n)) {
		return 0, errArchivesSize
	}
	r.u.left -= int64(n)
	return n, err
}

func (r *inflater) restIsZero() *archiveError {
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		if slices.ContainsFunc(buf[:n], func(b byte) bool { return b != 0 }) {
			return refuse("", "has data behind its end")
		}
		switch err {
		case nil:
		case io.EOF:
			return nil
		default:
			return r.u.broken("", err)
		}
	}
}

// notGzip says what a file is that should have been a gzipped archive.
func notGzip(data []byte) string {
	switch {
	case len(data) == 0:
		return "is empty"
	case bytes.HasPrefix(data, []byte("version https://git-lfs")):
		return "is a Git LFS pointer: the archive itself is not in this checkout (git lfs pull gets it)"
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return "is a zip file: helm reads gzipped tar files only"
	case len(data) > 262 && string(data[257:262]) == "ustar":
		return "is a tar file that is not gzipped: helm reads gzipped ones only"
	}
	return "is not a gzipped archive"
}

// checkEntryType says whether an entry is a file of the chart; why is the
// reason to refuse the archive for it.
func checkEntryType(h *tar.Header) (keep bool, why string) {
	switch h.Typeflag {
	case tar.TypeXGlobalHeader: // written by git archive; no file
		return false, ""
	case tar.TypeReg, tar.TypeDir:
	case tar.TypeSymlink:
		return false, "is a symbolic link"
	case tar.TypeLink:
		return false, "is a hard link"
	case tar.TypeChar, tar.TypeBlock:
		return false, "is a device"
	case tar.TypeFifo:
		return false, "is a named pipe"
	case tar.TypeGNUSparse:
		return false, "is a sparse file"
	default:
		return false, fmt.Sprintf("is neither a file nor a folder (type %q)", h.Typeflag)
	}
	for record := range h.PAXRecords {
		if strings.HasPrefix(record, "GNU.sparse.") {
			return false, "is a sparse file"
		}
	}
	// By the mode, not by the type: that is what helm skips.
	return !h.FileInfo().IsDir(), ""
}

// entryName is the name of an entry within the chart; why is the reason to
// refuse it. A name may have backslashes for slashes, as archives from Windows
// do and helm reads, but not both.
func entryName(name string) (within, why string) {
	switch {
	case !utf8.ValidString(name):
		return "", "has a name that is not UTF-8"
	case strings.ContainsRune(name, 0):
		return "", "has a name with a NUL byte"
	case len(name) > maxArchiveEntryName:
		return "", fmt.Sprintf("has a name of more than %d bytes", maxArchiveEntryName)
	case strings.Contains(name, "/") && strings.Contains(name, `\`):
		return "", "has a name with both slashes and backslashes"
	}
	name = strings.ReplaceAll(name, `\`, "/")
	first, within, _ := strings.Cut(name, "/")
	switch {
	case path.IsAbs(name), path.IsAbs(within), hasDrive(name), hasDrive(within):
		return "", "has an absolute name"
	case slices.Contains(strings.Split(name, "/"), ".."), strings.HasPrefix(within, ".."):
		return "", "leads out of the chart"
	case first == "Chart.yaml", path.Clean(within) == ".":
		return "", "is not in the chart's folder"
	}
	within = path.Clean(within)
	if path.IsAbs(within) || hasDrive(within) {
		return "", "has an absolute name"
	}
	return within, ""
}

func hasDrive(name string) bool {
	return len(name) > 2 && (name[0]|0x20 >= 'a' && name[0]|0x20 <= 'z') && name[1] == ':' && name[2] == '/'
}

// replaceArchives gives the files with what unpack makes of each packaged chart
// in its place.
func replaceArchives(files []*loader.BufferedFile, unpack func(*loader.BufferedFile) ([]*loader.BufferedFile, *archiveError)) ([]*loader.BufferedFile, *archiveError) {
	replaced := make([]*loader.BufferedFile, 0, len(files))
	seen := map[string]bool{}
	for _, f := range files {
		if !isPackagedChart(f.Name) {
			replaced = append(replaced, f)
			continue
		}
		// Of several archives of one name helm takes the first.
		if seen[f.Name] {
			continue
		}
		seen[f.Name] = true
		held, err := unpack(f)
		if err != nil {
			return nil, err
		}
		dir := f.Name + "_"
		for slices.ContainsFunc(files, func(f *loader.BufferedFile) bool { return strings.HasPrefix(f.Name, dir) }) {
			dir += "_"
		}
		for _, h := range held {
			h.Name = dir + "/" + h.Name
		}
		replaced = append(replaced, held...)
	}
	return replaced, nil
}

// isPackagedChart says that helm's loader would take a file for an archive: the
// file itself, or one in a chart in its charts/ folder.
func isPackagedChart(name string) bool {
	for {
		rest, ok := strings.CutPrefix(name, "charts/")
		if !ok {
			return false
		}
		first, tail, nested := strings.Cut(rest, "/")
		if strings.HasPrefix(first, "_") || strings.HasPrefix(first, ".") {
			return false
		}
		if !nested {
			return path.Ext(first) == ".tgz"
		}
		name = tail
	}
}
