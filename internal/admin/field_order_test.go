package admin

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causerie/templates"
)

func TestErrorsComeInTheOrderOfTheFieldsOfEachForm(t *testing.T) {
	files, err := fs.Glob(templates.FS, "admin/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	field := regexp.MustCompile(`"field-error" \.Errors\.Of "([a-z-]+)"`)
	for _, file := range files {
		source, err := fs.ReadFile(templates.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		// Without a summary of the errors there is no order to keep.
		if !strings.Contains(string(source), `"field-errors"`) {
			continue
		}
		shown, all := []string{}, fieldErrors{}
		for _, match := range field.FindAllStringSubmatch(string(source), -1) {
			shown, all[match[1]] = append(shown, match[1]), fieldError{What: match[1]}
		}
		var listed []string
		for _, problem := range all.InOrder() {
			listed = append(listed, problem.Field)
		}
		if diff := cmp.Diff(shown, listed); diff != "" {
			t.Errorf("%s (-form +summary):\n%s", file, diff)
		}
	}
}
