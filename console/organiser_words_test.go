package console

import (
	"fmt"
	"reflect"
	"testing"

	"convened"
)

// spoken lists what the pages say, each by language.
var spoken = map[string]any{
	"frame": frameWordsIn, "trail": trailWordsIn,
	"event": eventWordsIn, "edit": editWordsIn,
	"schedule":    scheduleWordsIn,
	"letters":     letterWordsIn,
	"registrants": registrantWordsIn, "failures": failureWordsIn,
	"registrant": wordsIn, "sign-up": signUpWordsIn, "embedding": embedWordsIn,
}

func TestEveryWordIsThereInEachLanguage(t *testing.T) {
	for name, words := range spoken {
		m := reflect.ValueOf(words)
		reference := m.MapIndex(reflect.ValueOf("en")).Elem()
		for _, language := range convened.Languages() {
			in := m.MapIndex(reflect.ValueOf(language))
			if !in.IsValid() {
				t.Errorf("%s: there are no words in %s", name, language)
				continue
			}
			compareWords(t, fmt.Sprint(name, " in ", language), in.Elem(), reference)
		}
	}
}

// compareWords looks whether each word is there.
func compareWords(t *testing.T, name string, words, reference reflect.Value) {
	t.Helper()
	switch words.Kind() {
	case reflect.String:
		if words.String() == "" {
			t.Errorf("%s is not said", name)
		}
	case reflect.Struct:
		for i := range words.NumField() {
			compareWords(t, name+": "+words.Type().Field(i).Name, words.Field(i), reference.Field(i))
		}
	case reflect.Slice, reflect.Array:
		if words.Len() != reference.Len() {
			t.Errorf("%s are %d, want %d", name, words.Len(), reference.Len())
			return
		}
		for i := range words.Len() {
			compareWords(t, fmt.Sprint(name, " ", i), words.Index(i), reference.Index(i))
		}
	case reflect.Map:
		for _, k := range reference.MapKeys() {
			if v := words.MapIndex(k); !v.IsValid() {
				t.Errorf("%s: %v is not said", name, k)
			} else {
				compareWords(t, fmt.Sprint(name, ": ", k), v, reference.MapIndex(k))
			}
		}
	default:
		t.Errorf("%s is %s, which this test does not know", name, words.Kind())
	}
}
