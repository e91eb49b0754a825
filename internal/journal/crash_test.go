package journal

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"
)

const crashEnv = "FOOTFALL_JOURNAL_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashEnv); dir != "" {
		crashChild(dir)
	}
	os.Exit(m.Run())
}

// crashChild appends until it is killed. For every acknowledged record it prints
// a line with its position to standard output.
func crashChild(dir string) {
	policy, _ := strconv.Atoi(os.Getenv(crashEnv + "_SYNC"))
	j, err := Open(dir, Options{SegmentBytes: 4000, Sync: time.Duration(policy), Stall: time.Minute, Logger: quiet})
	if err != nil {
		fmt.Println("open", err)
		os.Exit(1)
	}
	for w := range 4 {
		go func() {
			for i := 0; ; i++ {
				r := fmt.Sprintf("%d.%d.%d", os.Getpid(), w, i)
				call := j.Append
				if i%50 == 49 {
					call = j.Commit
				}
				pos, err := call([]byte(r))
				if err != nil {
					fmt.Println("append", err)
					os.Exit(1)
				}
				fmt.Printf("ack %d %s\n", pos, r) // one write(2), short enough to be whole
			}
		}()
	}
	select {}
}

func TestCrash(t *testing.T) {
	for name, policy := range map[string]time.Duration{"interval": 0, "always": SyncAlways} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var acked []string // of all rounds so far, in order
			for round := range 6 {
				acked = append(acked, crash(t, dir, policy)...)
				j := open(t, dir, Options{SegmentBytes: 4000})
				got, _ := rest(t, j)
				checkAcked(t, got, acked)
				if s := j.Stats(); s.DamagedSegments > uint64(round+1) {
					t.Fatalf("a kill damages at most the end of one segment: %+v", s)
				}
				if round == 3 { // from here on with a journal that has lost its head
					j.Rewind()
					b, err := j.Next(t.Context(), len(got)/2, MaxCall)
					if err != nil {
						t.Fatal(err)
					}
					if err := j.Done(b.End); err != nil {
						t.Fatal(err)
					}
					last := string(b.Records[len(b.Records)-1])
					for !slices.Contains(acked, last) { // written, but not acknowledged in time
						b.Records = b.Records[:len(b.Records)-1]
						last = string(b.Records[len(b.Records)-1])
					}
					acked = acked[slices.Index(acked, last)+1:]
				}
				closeNow(t, j)
			}
			t.Logf("%d acknowledged records at the end", len(acked))
		})
	}
}

// crash lets a child process append for a moment, kills it, and returns the
// records that it had acknowledged, by position.
func crash(t *testing.T, dir string, policy time.Duration) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+dir, fmt.Sprintf("%s_SYNC=%d", crashEnv, policy))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	type ack struct {
		pos    Position
		record string
	}
	var acks []ack
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		var a ack
		if _, serr := fmt.Sscanf(line, "ack %d %s\n", &a.pos, &a.record); err != nil || serr != nil {
			t.Fatalf("the child failed: %s %v", line, err)
		}
		if len(acks) == 0 {
			time.AfterFunc(rand.N(60*time.Millisecond), func() { _ = cmd.Process.Kill() })
		}
		acks = append(acks, a)
	}
	slices.SortFunc(acks, func(a, b ack) int { return int(a.pos) - int(b.pos) })
	var records []string
	for _, a := range acks {
		records = append(records, a.record)
	}
	return records
}

func checkAcked(t *testing.T, got, acked []string) {
	t.Helper()
	times := map[string]int{}
	for _, r := range got {
		times[r]++
	}
	for r, n := range times {
		if n != 1 {
			t.Fatalf("a record is replayed once: %s came %d times", r, n)
		}
	}
	for _, r := range acked {
		if times[r] == 0 {
			t.Fatalf("an acknowledged record survives kill -9: %s of %d is lost", r, len(acked))
		}
	}
	next := 0
	for _, r := range got {
		if next < len(acked) && r == acked[next] {
			next++
		}
	}
	if next != len(acked) {
		t.Fatalf("acknowledged records are replayed in the order of their positions: stuck at %s", acked[next])
	}
}
