package media

import (
	"context"
	"errors"
	"io/fs"
)

// Discard deletes the files of deleted pictures, such as those of an author who has left.
func (l *Library) Discard(ctx context.Context) error {
	for {
		files, err := l.store.DiscardedFiles(ctx, 100)
		if err != nil || len(files) == 0 {
			return err
		}
		for _, file := range files {
			// A file that is missing was deleted before a crash that left its row.
			if err := l.folder.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		// The rows go last: without them nobody would find the files any more.
		if err := l.store.ForgetDiscardedFiles(ctx, files); err != nil {
			return err
		}
	}
}
