//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"causerie/internal/store/storetest"
)

// terminal opens a pseudo-terminal: what is written to the keyboard is read from the screen's other side.
func terminal(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	if _, err := exec.LookPath("stty"); err != nil {
		t.Skip("there is no stty")
	}
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there are no terminals: ", err)
	}
	t.Cleanup(func() { keyboard.Close() })
	fd := int(keyboard.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	return keyboard, screen
}

func TestAPasswordIsNotShownWhileItIsTyped(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	keyboard, screen := terminal(t)
	var seen, trouble output
	var out bytes.Buffer
	go io.Copy(&seen, keyboard)
	ended := make(chan int, 1)
	go func() {
		ended <- run(s.ctx, s.args("author", "password", "ilse"), nil, console{screen, &out, &trouble})
	}()
	s.wait("the question", func() bool { return strings.Contains(trouble.String(), "not shown while you type") })
	fmt.Fprintln(keyboard, "wheat paste on mondays")
	if status := <-ended; status != done || !strings.Contains(out.String(), "new password") {
		t.Fatalf("ended with %d: %s%s", status, out.String(), trouble.String())
	}
	if strings.Contains(seen.String(), "wheat") {
		t.Errorf("the screen shows %q", seen.String())
	}
	if mode, err := unix.IoctlGetTermios(int(screen.Fd()), unix.TCGETS); err != nil || mode.Lflag&unix.ECHO == 0 {
		t.Errorf("the terminal stays silent (%v)", err)
	}
}
