package store

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// noticeWrites gives a hint when a file was written, until the context ends. The kernel tells of writes (inotify(7)),
// so a server at rest has nothing to do. The file need not exist yet.
func noticeWrites(ctx context.Context, path string, writes chan<- struct{}) {
	events, err := watchFolder(filepath.Dir(path))
	if err != nil { // the limits of inotify are reached, say
		pollWrites(ctx, path, writes)
		return
	}
	defer context.AfterFunc(ctx, func() { events.Close() })()
	name := filepath.Base(path)
	buffer := make([]byte, 4<<10)
	for {
		n, err := events.Read(buffer)
		if err != nil {
			if ctx.Err() == nil {
				events.Close()
				pollWrites(ctx, path, writes)
			}
			return
		}
		if tellsOf(buffer[:n], name) {
			give(writes)
		}
	}
}

// watchFolder returns the events of inotify about the files of a folder.
func watchFolder(folder string) (*os.File, error) {
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		return nil, err
	}
	events := os.NewFile(uintptr(fd), "inotify")
	// The folder, and not the file: SQLite may delete the log and make another one.
	if _, err := syscall.InotifyAddWatch(fd, folder, syscall.IN_MODIFY|syscall.IN_CREATE); err != nil {
		events.Close()
		return nil, err
	}
	return events, nil
}

// tellsOf reports whether one of the events is about a file, or says that events were lost.
func tellsOf(events []byte, name string) bool {
	for len(events) >= syscall.SizeofInotifyEvent {
		mask := binary.NativeEndian.Uint32(events[4:])
		end := syscall.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
		if end > len(events) {
			return true
		}
		about := strings.TrimRight(string(events[syscall.SizeofInotifyEvent:end]), "\x00")
		if about == name || mask&syscall.IN_Q_OVERFLOW != 0 {
			return true
		}
		events = events[end:]
	}
	return false
}
