package media

import (
	"context"
	"errors"
	"io/fs"
)

// Discard takes the files off the disk of pictures that are no more, such as those of an author who left.
func (l *Library) Discard(ctx context.Context) error {
	for {
		files, err := l.store.DiscardedFiles(ctx, 100)
		if err != nil || len(files) == 0 {
			return err
		}
		for _, file := range files {
			if err := l.folder.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if err := l.store.Discarded(ctx, files); err != nil {
			return err
		}
	}
}
