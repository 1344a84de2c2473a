package console

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnAnswerIsGoodForAMultipleOfWhatItCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		l := newLately[int](time.Now, time.Second)
		ask := func(context.Context) (int, error) { asked++; time.Sleep(200 * time.Millisecond); return asked, nil }
		get := func(patience time.Duration) (int, bool) {
			t.Helper()
			v, there, err := l.get(t.Context(), "w", 0, patience, ask)
			if err != nil {
				t.Fatal(err)
			}
			return v, there
		}
		if _, there := get(50 * time.Millisecond); there {
			t.Error("an answer is there before it can be")
		}
		if v, there := get(time.Second); v != 1 || !there || asked != 1 {
			t.Errorf("the first answer is %d, %t after %d questions", v, there, asked)
		}
		time.Sleep(dearness*200*time.Millisecond - time.Millisecond)
		if v, _ := get(0); v != 1 || asked != 1 {
			t.Errorf("an answer that is good is asked for again: %d after %d questions", v, asked)
		}
		time.Sleep(time.Millisecond)
		// Whoever asks now gets the old one at once, and the next the new one.
		if v, there := get(0); v != 1 || !there {
			t.Errorf("while the new answer is looked for there is %d, %t", v, there)
		}
		time.Sleep(300 * time.Millisecond)
		if v, _ := get(0); v != 2 || asked != 2 {
			t.Errorf("the new answer is %d after %d questions", v, asked)
		}
		// What is older than a minute is not shown.
		time.Sleep(time.Hour)
		if v, there := get(time.Second); v != 3 || !there {
			t.Errorf("an hour later there is %d, %t, want the new one", v, there)
		}
		// Another version is another question.
		if _, there, _ := l.get(t.Context(), "w", 1, 0, ask); there {
			t.Error("an answer about another version is given")
		}
		synctest.Wait()
		time.Sleep(time.Second)
	})
}

func TestAnErrorIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := errors.New("no")
		l := newLately[int](time.Now, time.Second)
		if _, _, err := l.get(t.Context(), "w", 0, time.Second, func(context.Context) (int, error) { return 0, fail }); !errors.Is(err, fail) {
			t.Errorf("the error is %v", err)
		}
		if v, there, err := l.get(t.Context(), "w", 0, time.Second, func(context.Context) (int, error) { time.Sleep(time.Millisecond); return 7, nil }); v != 7 || !there || err != nil {
			t.Errorf("after an error there is %d, %t, %v; want 7", v, there, err)
		}
	})
}

func TestWhoHasLeftDoesNotEndTheQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLately[int](time.Now, time.Second)
		ctx, leave := context.WithCancel(t.Context())
		leave()
		ask := func(ctx context.Context) (int, error) { time.Sleep(time.Millisecond); return 7, ctx.Err() }
		if _, there, err := l.get(ctx, "w", 0, time.Second, ask); there || !errors.Is(err, context.Canceled) {
			t.Errorf("who has left gets %t, %v", there, err)
		}
		if v, _, err := l.get(t.Context(), "w", 0, time.Second, ask); v != 7 || err != nil {
			t.Errorf("the next one gets %d, %v", v, err)
		}
	})
}
