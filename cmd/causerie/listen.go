package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// listen opens the listeners of the settings: sockets of systemd, a unix socket, or an address.
func listen(config Config) ([]net.Listener, error) {
	if config.sockets > 0 {
		return inherited(config.sockets)
	}
	where := config.listenAddress()
	network, address := "tcp", where
	if path, unix := strings.CutPrefix(address, "unix:"); unix {
		network, address = "unix", path
		if err := removeStaleSocket(path); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen(network, address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("another program listens on %s: stop it, or choose another address with --listen", where)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("this user may not listen on %s: choose a port above 1023 with --listen, and use a proxy",
			where)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s: write --listen like host:port or unix:/path (%w)", where, err)
	}
	if network == "unix" {
		err = os.Chmod(address, 0o660) // for a proxy in the same group
	}
	return []net.Listener{listener}, err
}

// removeStaleSocket removes the file of a unix socket that no program listens on. A server that was killed leaves one
// behind, and nothing could listen there again.
func removeStaleSocket(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return nil
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil { // a program answers: the socket is in use
		conn.Close()
		return fmt.Errorf("another program listens on unix:%s: stop it, or choose another address with --listen", path)
	}
	return os.Remove(path)
}

// firstSocket is the first file descriptor of systemd's sockets (sd_listen_fds(3)).
const firstSocket = 3

// inherited opens the sockets of systemd. The package activation of go-systemd is not used: it returns a nil for a
// file that is not a listening socket, without the error, and reads the environment itself, which only config.go may
// do.
func inherited(n int) ([]net.Listener, error) {
	var listeners []net.Listener
	for i := range n {
		file := os.NewFile(uintptr(firstSocket+i), "systemd socket")
		listener, err := net.FileListener(file)
		file.Close() // the listener has a copy of the descriptor
		if err != nil {
			return nil, fmt.Errorf("cannot listen on socket %d of systemd: check the .socket unit (%w)", i+1, err)
		}
		listeners = append(listeners, listener)
	}
	return listeners, nil
}
