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

// listen opens what the settings say to listen on: sockets that systemd hands over, a unix socket, or an address.
func listen(config Config) ([]net.Listener, error) {
	if config.sockets > 0 {
		return inherited(config.sockets)
	}
	where := config.listenAddress()
	network, address := "tcp", where
	if path, unix := strings.CutPrefix(address, "unix:"); unix {
		network, address = "unix", path
		if err := clearSocket(path); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen(network, address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is taken by another program: stop that one, or choose another address with --listen",
			where)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("this user may not listen on %s: choose a port above 1023 with --listen and put a proxy "+
			"before it", where)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s: write --listen as host:port or unix:/path (%w)", where, err)
	}
	if network == "unix" {
		err = os.Chmod(address, 0o660) // for the proxy, in our group
	}
	return []net.Listener{listener}, err
}

// clearSocket removes a socket file that nobody answers at any more.
func clearSocket(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return nil
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return fmt.Errorf("unix:%s is taken by another program: stop that one, or choose another address with --listen", path)
	}
	return os.Remove(path)
}

// firstSocket is the number of the first file that systemd hands over (sd_listen_fds(3)).
const firstSocket = 3

// inherited opens the sockets that systemd hands over. The package activation of go-systemd does the same, but leaves
// a nil in the place of a file that is no listening socket, without the error, and reads the environment itself,
// which is for config.go alone.
func inherited(n int) ([]net.Listener, error) {
	var listeners []net.Listener
	for i := range n {
		file := os.NewFile(uintptr(firstSocket+i), "systemd socket")
		listener, err := net.FileListener(file)
		file.Close()
		if err != nil {
			return nil, fmt.Errorf("socket %d from systemd cannot be listened on: check the .socket unit (%w)", i+1, err)
		}
		listeners = append(listeners, listener)
	}
	return listeners, nil
}
