package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"causerie/internal/store"
)

func TestEachWriteToAFileIsNoticed(t *testing.T) {
	for name, notice := range map[string]func(context.Context, string, chan<- struct{}){
		"as the system tells": store.NoticeWrites, "by looking": store.PollWrites} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "causerie.db-wal")
			ctx, cancel := context.WithCancel(t.Context())
			writes, ended := make(chan struct{}, 1), make(chan struct{})
			go func() {
				notice(ctx, path, writes)
				close(ended)
			}()
			time.Sleep(100 * time.Millisecond) // it has begun
			write := func(to string) func() error {
				return func() error {
					file, err := os.OpenFile(to, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
					if err != nil {
						return err
					}
					defer file.Close()
					_, err = file.WriteString("a frame")
					return err
				}
			}
			for _, step := range []struct {
				what  string
				do    func() error
				noted bool
			}{
				{"the first write", write(path), true}, {"another write", write(path), true},
				{"a write to another file", write(path + ".other"), false},
				{"a new file of that name", func() error {
					if err := os.Remove(path); err != nil {
						return err
					}
					return write(path)()
				}, true},
			} {
				if err := step.do(); err != nil {
					t.Fatal(err)
				}
				wait := 300 * time.Millisecond
				if step.noted {
					wait = 5 * time.Second
				}
				select {
				case <-writes:
					if !step.noted {
						t.Errorf("%s is noticed", step.what)
					}
				case <-time.After(wait):
					if step.noted {
						t.Errorf("%s is not noticed", step.what)
					}
				}
				// One step may give more than one hint.
				time.Sleep(100 * time.Millisecond)
				select {
				case <-writes:
				default:
				}
			}
			cancel()
			select {
			case <-ended:
			case <-time.After(5 * time.Second):
				t.Error("it does not end")
			}
		})
	}
}
