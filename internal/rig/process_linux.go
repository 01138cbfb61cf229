package rig

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Exited reports whether the server has ended by itself.
func (p *Program) Exited() bool { return !p.alive() }

// Resident returns the memory that the server holds, in MiB, and the most that it held since the last call of
// ResetPeak.
func (p *Program) Resident() (now, peak float64) {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		p.t.Fatal(err)
	}
	field := func(name string) float64 {
		_, rest, _ := strings.Cut(string(status), name+":")
		words := strings.Fields(rest)
		if len(words) == 0 {
			return 0
		}
		kib, err := strconv.ParseFloat(words[0], 64)
		if err != nil {
			p.t.Fatal(err)
		}
		return kib / 1024
	}
	return field("VmRSS"), field("VmHWM")
}

// ResetPeak lets the peak of the memory begin anew.
func (p *Program) ResetPeak() {
	p.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.PID()), []byte("5"), 0o600); err != nil {
		p.t.Skip("this system does not measure the peak of memory: ", err)
	}
}

// alive reports whether the server runs. A process that has ended stays as a zombie until Wait.
func (p *Program) alive() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// CPU returns the time that the server has worked, in hundredths of a second.
func (p *Program) CPU() int {
	p.t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		p.t.Fatal(err)
	}
	// The second field is the name in brackets, which may have blanks.
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return user + system
}

// OpenFiles returns how many files and sockets the server has open.
func (p *Program) OpenFiles() int {
	p.t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.PID()))
	if err != nil {
		p.t.Fatal(err)
	}
	return len(entries)
}

// Goroutines ends the server with SIGQUIT, and returns how many goroutines it had that belong to no connection.
func (p *Program) Goroutines() int {
	p.t.Helper()
	before := len(p.Said.String())
	p.Signal(syscall.SIGQUIT)
	_ = p.Wait() // it exits with 2
	said := p.Said.String()
	n := 0
	for _, one := range strings.Split(said[min(before, len(said)):], "\n\n") {
		if strings.HasPrefix(one, "goroutine ") && !strings.Contains(one, "net/http.(*conn)") &&
			!strings.Contains(one, "net/http.(*persistConn)") {
			n++
		}
	}
	return n
}

// SocketsTo counts the connections of this machine that lead to each address and port, by the one who connected.
func SocketsTo() (map[string]int, error) {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return nil, err
	}
	count := map[string]int{}
	for _, line := range strings.Split(string(table), "\n") {
		fields := strings.Fields(line)
		const established = "01"
		if len(fields) < 4 || fields[3] != established {
			continue
		}
		count[tcpAddress(fields[2])]++
	}
	return count, nil
}

// tcpAddress reads an address of /proc/net/tcp, such as 0100007F:1F90.
func tcpAddress(text string) string {
	ip, err := strconv.ParseUint(text[:8], 16, 32)
	if err != nil {
		return ""
	}
	port, err := strconv.ParseUint(text[9:], 16, 16)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d.%d:%d", ip&255, ip>>8&255, ip>>16&255, ip>>24, port)
}
