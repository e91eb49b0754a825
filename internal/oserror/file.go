package oserror

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Dir explains an error about a directory that is to be used, or about something in it.
// It returns nil for nil.
func Dir(dir string, err error) error { return explain(dir, err, anotherDir) }

// File explains an error about one file. It returns nil for nil.
func File(file string, err error) error { return explain(file, err, "use another file") }

const anotherDir = "use another directory"

// Lock is [Dir] for an error of locking a file in the directory.
func Lock(dir string, err error) error {
	for _, number := range []syscall.Errno{syscall.ENOLCK, syscall.ENOSYS, syscall.ENOTSUP, syscall.EOPNOTSUPP} {
		if errors.Is(err, number) {
			return &Problem{Says: fmt.Sprintf("the file system of %s cannot lock files", dir), Remedy: "use a directory on a disk of this machine", path: dir, err: err}
		}
	}
	return Dir(dir, err)
}

func explain(base string, err error, another string) error {
	if err == nil {
		return nil
	}
	path, known := Path(err)
	if !known {
		path = base
	}
	p := &Problem{path: path, err: err}
	switch {
	case is(err, syscall.ENOSPC, syscall.EDQUOT):
		p.Says, p.Remedy = fmt.Sprintf("the disk of %s is full, or the quota of its user", base), "make room there, or "+another
	case is(err, syscall.EROFS):
		p.Says, p.Remedy = fmt.Sprintf("%s is on a file system that is read-only here", base), "mount it writable, or "+another
	case is(err, syscall.EMFILE, syscall.ENFILE):
		p.Says, p.Remedy = fmt.Sprintf("%s cannot be opened because too many files are open", p.path), "raise the limit (ulimit -n; LimitNOFILE= in a unit of systemd)"
	case is(err, syscall.EIO):
		p.Says, p.Remedy = fmt.Sprintf("the disk of %s fails (%v)", base, err), "look at the system's log, and "+another
	case errors.Is(err, fs.ErrPermission):
		p.permission(base, another)
	default:
		p.form(base, another)
	}
	return p
}

func is(err error, numbers ...syscall.Errno) bool {
	for _, n := range numbers {
		if errors.Is(err, n) {
			return true
		}
	}
	return false
}

// Path returns the path that an error is about, if it is about one.
func Path(err error) (path string, known bool) {
	var before *Problem
	var opened *fs.PathError
	switch {
	case errors.As(err, &before):
		return before.path, before.path != ""
	case errors.As(err, &opened):
		return opened.Path, true
	}
	return "", false
}

// steps returns the directories that lead to a path, the outermost first, and the path.
func steps(path string) []string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	all := []string{path}
	for dir := filepath.Dir(path); dir != all[0]; dir = filepath.Dir(dir) {
		all = append([]string{dir}, all...)
	}
	return all
}

// form finds what is no directory, or not there, on the way to a path.
func (p *Problem) form(base, another string) {
	all := steps(p.path)
	for i, step := range all {
		link, err := os.Lstat(step)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && errors.Is(p.err, fs.ErrNotExist) {
				if p.Says, p.Remedy = step+" does not exist", "create it, or "+another; i < len(all)-1 {
					p.Says = "the directory " + p.Says
				}
				return
			}
			break
		}
		info, err := os.Stat(step)
		switch {
		case err != nil && link.Mode()&fs.ModeSymlink != 0:
			target, _ := os.Readlink(step)
			p.Says, p.Remedy = fmt.Sprintf("%s is a symbolic link to %s, which does not exist", step, target), fmt.Sprintf("create %s, or %s", target, another)
			if is(err, syscall.ELOOP) {
				p.Says, p.Remedy = fmt.Sprintf("%s is a symbolic link that leads back to itself", step), another
			}
			return
		case err == nil && !info.IsDir() && (i < len(all)-1 || is(p.err, syscall.ENOTDIR, syscall.EEXIST)):
			p.Says, p.Remedy = step+" is a file, and has to be a directory", another
			if Inside(base, step) && step != steps(base)[len(steps(base))-1] {
				p.Remedy = "move it away, or " + another
			}
			return
		case err == nil && info.IsDir() && is(p.err, syscall.EISDIR):
			if i == len(all)-1 {
				p.Says, p.Remedy = step+" is a directory, and has to be a file", "move it away, or "+another
				return
			}
		}
	}
	p.Says, p.Remedy = p.err.Error(), another
}

// permission finds whose permission is missing.
func (p *Problem) permission(base, another string) {
	const execute, write, read = 1, 2, 4
	all := steps(p.path)
	culprit, want := "", uint32(0)
	for i, step := range all {
		info, err := os.Stat(step)
		if err != nil {
			if i > 0 { // it cannot be created
				culprit, want = all[i-1], write|execute
			}
			break
		}
		need := uint32(execute)
		if i == len(all)-1 {
			if need = read | write; info.IsDir() {
				need |= execute
			}
		}
		if culprit, want = step, need; !access(step, need) {
			break
		}
	}
	info, err := os.Stat(culprit)
	if err != nil || access(culprit, want) {
		p.Says, p.Remedy = p.err.Error(), "look at its rights and at what confines this process (SELinux, AppArmor, the sandbox of its unit), or "+another
		return
	}
	kind, bits := "file", "u+rw"
	if info.IsDir() {
		kind, bits = "directory", "u+rwx"
	}
	owner, known := ownerOf(info)
	me := userName(os.Getuid())
	switch {
	case !known:
		p.Says, p.Remedy = p.err.Error(), "give this user the right to it, or "+another
	case owner == os.Getuid():
		p.Says = fmt.Sprintf("the %s %s has mode %04o, which keeps its owner %s out", kind, culprit, info.Mode().Perm(), me)
		p.Remedy = fmt.Sprintf("chmod %s %s, or %s", bits, culprit, another)
	case Inside(base, culprit):
		p.Says = fmt.Sprintf("%s belongs to %s, and this process runs as %s", culprit, userName(owner), me)
		recursive := ""
		if b, err := os.Stat(base); err == nil && b.IsDir() {
			recursive = "-R "
		}
		p.Remedy = fmt.Sprintf("run it as %s, or chown %s%s %s, or %s", userName(owner), recursive, me, base, another)
	case want == execute:
		p.Says = fmt.Sprintf("%s is in %s, which belongs to %s and keeps the user %s out", base, culprit, userName(owner), me)
		p.Remedy = fmt.Sprintf("%s, or run it as %s", another, userName(owner))
	default:
		p.Says = fmt.Sprintf("the user %s may not create files in %s, which belongs to %s", me, culprit, userName(owner))
		if p.Remedy = fmt.Sprintf("%s, or run it as %s", another, userName(owner)); another == anotherDir {
			p.Remedy = fmt.Sprintf("create %s as %s and give it to %s (chown), or %s", base, userName(owner), me, another)
		}
	}
}

// Inside reports whether a path is base or below it.
func Inside(base, path string) bool {
	if whole, err := filepath.Abs(base); err == nil {
		base = whole
	}
	rest, err := filepath.Rel(base, path)
	return err == nil && rest != ".." && !strings.HasPrefix(rest, ".."+string(filepath.Separator))
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}
