package calmlog

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// lines is where a log is written to.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns the lines that were written since the last call.
func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.TrimSuffix(l.text.String(), "\n")
	l.text.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// calm runs a test with a log in virtual time.
func calm(t *testing.T, test func(t *testing.T, log *slog.Logger, h *Handler, out *lines)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		out := &lines{}
		h := New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		defer h.Close()
		test(t, slog.New(h), h, out)
	})
}

func expect(t *testing.T, when string, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d lines, want %d: %q", when, len(got), len(want), got)
	}
	for i, part := range want {
		if !strings.HasSuffix(got[i], part) {
			t.Errorf("%s: line %d is %q, want the end %q", when, i+1, got[i], part)
		}
	}
}

func TestOneTroubleIsOneLineASecond(t *testing.T) {
	calm(t, func(t *testing.T, log *slog.Logger, _ *Handler, out *lines) {
		for i := range 1000 {
			log.Error("an activity cannot be saved", "n", i)
		}
		expect(t, "at once", out.take(), `msg="an activity cannot be saved" n=0`)
		time.Sleep(every - time.Nanosecond)
		synctest.Wait()
		expect(t, "within the second", out.take())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		expect(t, "after a second", out.take(), `n=999 left_out=998`)
		log.Error("an activity cannot be saved", "n", "again")
		expect(t, "a moment later", out.take())
		time.Sleep(every)
		synctest.Wait()
		expect(t, "after two seconds", out.take(), `n=again`)
		time.Sleep(every)
		synctest.Wait()
		log.Error("an activity cannot be saved", "n", "late")
		expect(t, "after a quiet second", out.take(), `n=late`)
	})
}

func TestOtherTroubleIsNotHeldUp(t *testing.T) {
	calm(t, func(t *testing.T, log *slog.Logger, _ *Handler, out *lines) {
		log.Error("one")
		log.Error("two")
		log.Warn("one")
		log.With("host", "veerhuis").Error("one")
		slog.New(log.Handler()).WithGroup("g").Error("three", "n", 1)
		expect(t, "four kinds", out.take(), "level=ERROR msg=one", "msg=two", "level=WARN msg=one", "msg=three g.n=1")
		time.Sleep(every)
		synctest.Wait()
		expect(t, "the fifth, with what it was given", out.take(), "msg=one host=veerhuis")
	})
}

func TestWhatIsNoTroubleIsWrittenAsItIs(t *testing.T) {
	calm(t, func(t *testing.T, log *slog.Logger, _ *Handler, out *lines) {
		for range 100 {
			log.Info("a request")
			log.Debug("a request")
		}
		if got := len(out.take()); got != 200 {
			t.Errorf("%d lines, want 200", got)
		}
	})
}

func TestNothingIsLostAtTheEnd(t *testing.T) {
	calm(t, func(t *testing.T, log *slog.Logger, h *Handler, out *lines) {
		for i := range 10 {
			log.Error("one", "n", i)
		}
		log.Warn("two")
		h.Close()
		expect(t, "after the end", out.take(), "n=0", "msg=two", "n=9 left_out=8")
		for range 3 {
			log.Error("one")
		}
		expect(t, "what comes later", out.take(), "msg=one", "msg=one", "msg=one")
		h.Close()
		time.Sleep(2 * every)
		synctest.Wait()
		expect(t, "a second end", out.take())
	})
}

func TestEveryLineIsWrittenOrCounted(t *testing.T) {
	calm(t, func(t *testing.T, log *slog.Logger, h *Handler, out *lines) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 500 {
					log.Error("one")
					time.Sleep(7 * time.Millisecond)
				}
			})
		}
		all.Wait()
		h.Close()
		written := out.take()
		sum := len(written)
		for _, line := range written {
			var n int
			if _, count, found := strings.Cut(line, leftOut+"="); found {
				if _, err := fmt.Sscan(count, &n); err != nil {
					t.Fatal(err)
				}
			}
			sum += n
		}
		if sum != 4000 || len(written) > 6 {
			t.Errorf("%d lines tell of %d, want at most 6 and 4000", len(written), sum)
		}
	})
}

func TestT113KindsOfTroubleHaveAnEnd(t *testing.T) {
	calm(t, func(t *testing.T, log *slog.Logger, h *Handler, out *lines) {
		for i := range 10 * maxKinds {
			log.Error(fmt.Sprintf("trouble %d", i))
		}
		// One more for all that are too many.
		if got := len(out.take()); got != maxKinds+1 || len(h.log.kinds) != maxKinds+1 {
			t.Errorf("%d lines and %d kinds, want %d", got, len(h.log.kinds), maxKinds+1)
		}
		time.Sleep(every)
		synctest.Wait()
		expect(t, "after a second", out.take(), fmt.Sprintf(`msg="trouble %d" left_out=%d`, 10*maxKinds-1, 9*maxKinds-2))
		time.Sleep(every)
		synctest.Wait()
		if len(h.log.kinds) != 0 {
			t.Errorf("%d kinds are remembered when all is quiet", len(h.log.kinds))
		}
	})
}

func TestT220LineBreaksAndTerminalCodesStayInOneLine(t *testing.T) {
	nasty := "bram\nlevel=ERROR msg=forged\r\x1b[31m\u2028\x00"
	for name, make := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var out bytes.Buffer
		h := New(make(&out))
		slog.New(h).Error(nasty, "name", nasty, "error", errors.New(nasty), nasty, 1)
		h.Close()
		if text := out.String(); strings.Count(text, "\n") != 1 || strings.ContainsAny(text[:len(text)-1], "\r\x1b\x00") {
			t.Errorf("%s: %q", name, text)
		}
	}
}
