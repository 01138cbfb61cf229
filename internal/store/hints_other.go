//go:build !linux

package store

import "context"

// noticeWrites gives a hint when a file was written, until the context ends.
func noticeWrites(ctx context.Context, path string, writes chan<- struct{}) {
	pollWrites(ctx, path, writes)
}
