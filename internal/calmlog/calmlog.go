// Package calmlog keeps a log readable while the same trouble comes thousands of times, as when the disk is full.
package calmlog

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	// every is how often one kind of trouble is written.
	every = time.Second

	// maxKinds is how many kinds of trouble are told apart at a time. Messages are constants, so there are fewer. What a
	// library logs may be anything, and beyond this number it counts as one kind.
	maxKinds = 200
)

// leftOut is the attribute with the number of lines that were left out before this one.
const leftOut = "left_out"

// Handler passes records on to another handler. Of warnings and errors with the same message from the same package it
// passes on one a second: the first at once, and then the newest, with the number of those that were left out. Other
// records are passed on as they are. A Handler is safe for concurrent use.
type Handler struct {
	next slog.Handler
	log  *log // shared by all handlers that WithAttrs and WithGroup make
}

// kind is what one line a second is written of.
type kind struct {
	level         slog.Level
	room, message string
}

// held is what was not written of a kind in the current second.
type held struct {
	record slog.Record // the newest one
	by     slog.Handler
	more   int // how many others were left out
	any    bool
	timer  *time.Timer
}

type log struct {
	mu     sync.Mutex
	kinds  map[kind]*held
	closed bool
}

// New returns a handler that passes records on to next. Close it at the end, so that nothing is lost.
func New(next slog.Handler) *Handler { return &Handler{next: next, log: &log{kinds: map[kind]*held{}}} }

// Enabled implements [slog.Handler].
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// WithAttrs implements [slog.Handler].
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{next: h.next.WithAttrs(attrs), log: h.log}
}

// WithGroup implements [slog.Handler].
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{next: h.next.WithGroup(name), log: h.log}
}

// Handle implements [slog.Handler]. The error is that of the other handler.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn || h.log.hold(h.next, r) {
		return h.next.Handle(ctx, r)
	}
	return nil
}

// Close writes what is held. Later records are passed on as they are.
func (h *Handler) Close() {
	h.log.mu.Lock()
	defer h.log.mu.Unlock()
	h.log.closed = true
	for kind, held := range h.log.kinds {
		held.timer.Stop()
		held.write()
		delete(h.log.kinds, kind)
	}
}

// hold keeps a record for the end of the second. It reports true when the record is the first of its kind and must be
// written now.
func (l *log) hold(by slog.Handler, r slog.Record) (first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return true
	}
	k := kind{level: r.Level, room: room(r.PC), message: r.Message}
	if l.kinds[k] == nil && len(l.kinds) >= maxKinds {
		k = kind{}
	}
	known := l.kinds[k]
	if known == nil {
		l.kinds[k] = &held{timer: time.AfterFunc(every, func() { l.endSecond(k) })}
		return true
	}
	if known.any {
		known.more++
	}
	// The record is used after Handle has returned, so it must share nothing with the caller's.
	known.record, known.by, known.any = r.Clone(), by, true
	return false
}

// endSecond writes what was held of a kind, and begins its next second. A kind that is quiet is forgotten.
func (l *log) endSecond(k kind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.kinds[k]
	if known == nil { // closed meanwhile
		return
	}
	if !known.any {
		delete(l.kinds, k)
		return
	}
	known.write()
	*known = held{timer: known.timer}
	known.timer.Reset(every)
}

// write writes the newest record, and how many were left out.
func (h *held) write() {
	if !h.any {
		return
	}
	if h.more > 0 {
		h.record.AddAttrs(slog.Int(leftOut, h.more))
	}
	// Nobody is left to whom the error could be told.
	_ = h.by.Handle(context.Background(), h.record)
}

// room returns the package of a call, "" when it is not known.
func room(pc uintptr) string {
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	name := frame.Function[strings.LastIndexByte(frame.Function, '/')+1:]
	name, _, _ = strings.Cut(name, ".")
	return name
}
