//go:build unix

package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// The program as a process of its own: signals, and sockets of systemd.
func TestTheProcessTakesSocketsAndStopsOnASignal(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	listener.Close()
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		var said output
		program := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, os.Args[0], "--data", t.TempDir(), "--url",
			url, "--listen", "nowhere")
		program.Env = append(os.Environ(), asProgram+"=1", "LISTEN_FDS=1")
		program.ExtraFiles = []*os.File{socket}
		program.Stdout, program.Stderr = &said, &said
		if err := program.Start(); err != nil {
			t.Fatal(err)
		}
		ready := false
		for end := time.Now().Add(10 * time.Second); !ready && time.Now().Before(end); {
			answer, err := (&http.Client{Timeout: time.Second}).Get(url + "/readyz")
			if err == nil {
				answer.Body.Close()
				ready = answer.StatusCode == http.StatusOK
			}
			time.Sleep(10 * time.Millisecond)
		}
		began := time.Now()
		program.Process.Signal(signal)
		if err := program.Wait(); err != nil || !ready {
			t.Errorf("on %v the program ended with %v (ready: %v) and said:\n%s", signal, err, ready, said.String())
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %s to leave", took)
		}
	}
}
