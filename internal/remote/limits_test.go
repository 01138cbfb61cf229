package remote

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Tests of waits set shorter times. These are the times of a client that sets none.
func TestAClientWithoutOptionsHasTheTimesOfTheTable(t *testing.T) {
	c := New(Options{})
	t.Cleanup(c.Close)
	for name, is := range map[string][2]time.Duration{
		"a lookup": {c.options.Lookup, lookupTime}, "a delivery": {c.options.Delivery, deliveryTime},
		"connecting": {c.options.Dial, dialTime}, "a handshake": {c.transport.TLSHandshakeTimeout, handshakeTime},
		"the first line": {c.transport.ResponseHeaderTimeout, answerTime},
	} {
		if is[0] != is[1] {
			t.Errorf("%s may take %v, want %v", name, is[0], is[1])
		}
	}
}

// raw is a server that writes what it is told to whoever has sent a request, and hangs up.
func raw(t *testing.T, answer func() string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					conn.Write([]byte(answer()))
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

func TestTheHeaderOfAnAnswerHasALimit(t *testing.T) {
	var address string
	size := 0
	address = raw(t, func() string {
		body := fmt.Sprintf(`{"id":"%s/1","type":"Note"}`, address)
		head := fmt.Sprintf("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\nX-Long: ",
			activityJSON, len(body))
		return head + strings.Repeat("x", size-len(head)-4) + "\r\n\r\n" + body
	})
	for n, fits := range map[int]bool{maxHeader: true, maxHeader + 1: false} {
		size = n
		if _, err := client(t, Options{}).Object(t.Context(), address+"/1"); (err == nil) != fits {
			t.Errorf("a header of %d bytes: %v", n, err)
		}
	}
}

func TestAnAddressHasALimit(t *testing.T) {
	const begin = "https://veerhuis.example/"
	for n, fits := range map[int]bool{maxURL: true, maxURL + 1: false} {
		u, err := url.Parse(begin + strings.Repeat("x", n-len(begin)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := anyGuard().check(u); (err == nil) != fits || err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("an address of %d bytes: %v", n, err)
		}
	}
}

func TestAUserNameHasALimit(t *testing.T) {
	c := client(t, Options{})
	for n, fits := range map[int]bool{maxUser: true, maxUser + 1: false} {
		for _, letter := range []string{"x", "ö", "渡"} {
			if _, _, err := c.splitHandle("@" + strings.Repeat(letter, n) + "@veerhuis.example"); (err == nil) != fits {
				t.Errorf("a user name of %d times %s: %v", n, letter, err)
			}
		}
	}
}

func TestTheNameOfASoftwareHasALimit(t *testing.T) {
	const link = `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"http://HOST/nodeinfo/2.0"}]}`
	for _, n := range []int{maxSoftware, maxSoftware + 1} {
		long := strings.Repeat("x", n)
		s := serve(t, "127.0.0.1:0", nodeInfoOf(link, `{"software":{"name":"`+long+`","version":"`+long+`"}}`))
		got, err := client(t, Options{}).Software(t.Context(), strings.TrimPrefix(s.URL, "http://"))
		if want := strings.Repeat("x", maxSoftware); err != nil || got != want+" "+want {
			t.Errorf("a name and a version of %d bytes are %q, %v", n, got, err)
		}
	}
}
