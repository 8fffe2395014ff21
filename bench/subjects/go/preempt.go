/*
 * Preemption in Go: the workloads of preempt.h once more.  The quantum is Go's
 * own, 10 ms, and there are no priorities.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
package main

import (
	"bytes"
	"math"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	leastAbsence = 50 * time.Microsecond
	patience     = 10 * time.Second
	settle       = 100 * time.Microsecond
	nap          = 3 * time.Millisecond
	tries        = 4
	lostChanges  = 4 // at the begin and the end, one does not know that it was away
)

var epoch = time.Now()

func stamp() time.Duration {
	return time.Since(epoch)
}

// Sorts the durations; in microseconds.
func percentile(durations []time.Duration, percent int) float64 {
	if len(durations) == 0 {
		die("wrong: nothing was seen")
	}
	sort.Slice(durations, func(i, j int) bool { return durations[i] < durations[j] })
	return float64(durations[(len(durations)-1)*percent/100]) / 1e3
}

func (b *bench) note() {
	b.result["note"] = "its own quantum of 10 ms, and no priorities"
}

// From the last stamp of a goroutine before it was away to its first one after.
type absence struct {
	left, came time.Duration
}

type game struct {
	runner, changes, over int32
	wanted                int32
}

func (g *game) spin(me int32) []absence {
	absences := make([]absence, 0, 4096)
	began := stamp()
	last := began
	for atomic.LoadInt32(&g.over) == 0 && last-began < patience {
		now := stamp()
		if now-last > leastAbsence {
			absences = append(absences, absence{last, now})
			if atomic.SwapInt32(&g.runner, me) != me &&
				atomic.AddInt32(&g.changes, 1) == g.wanted {
				atomic.StoreInt32(&g.over, 1)
			}
		}
		last = now
	}
	return absences
}

// The gaps where the second came in the place of the first.
func gaps(from, to []absence) []time.Duration {
	var found []time.Duration
	j := 0
	for _, one := range from {
		for j < len(to) && to[j].came <= one.left {
			j++
		}
		if j < len(to) && to[j].came < one.came {
			found = append(found, to[j].came-one.left)
		}
	}
	return found
}

func runGap(b *bench) {
	var absences [2][]absence
	var both sync.WaitGroup
	game := game{wanted: int32(b.n) + lostChanges}

	b.start()
	both.Add(2)
	for i := range absences {
		i := i
		go func() {
			absences[i] = game.spin(int32(i) + 1)
			both.Done()
		}()
	}
	both.Wait()
	b.stop(b.n)
	found := append(gaps(absences[0], absences[1]), gaps(absences[1], absences[0])...)
	b.result["gap"] = percentile(found, 50)
	b.result["p99"] = percentile(found, 99)
	b.note()
}

// A chain of multiplications.
func compute(units int) {
	x := uint64(1)
	for i := 0; i < 1000*units; i++ {
		x *= 6364136223846793005
	}
	atomic.AddUint64(&computed, x)
}

var computed uint64

// Nine parts of ten in the library's assembly.
func computeInLibrary(units int) {
	from := make([]byte, 32768)
	to := make([]byte, 32768)
	for i := 0; i < units; i++ {
		for j := 0; j < 8; j++ {
			if bytes.IndexByte(from, 'x') >= 0 {
				die("wrong: IndexByte")
			}
			copy(to, from)
		}
		compute(1)
	}
}

func unitsFor(work func(int), duration time.Duration) int {
	for units := 1; ; units *= 2 {
		began := time.Now()
		work(units)
		if took := time.Since(began); took >= 2*time.Millisecond {
			return units*int(duration)/int(took) + 1
		}
	}
}

// How long `threads` goroutines take, of which `atOnce` are at work at a time.
func carry(threads, atOnce int, work func()) time.Duration {
	var working sync.WaitGroup
	began := time.Now()
	for i := 1; i <= threads; i++ {
		working.Add(1)
		go func() {
			work()
			working.Done()
		}()
		if i%atOnce == 0 {
			working.Wait()
		}
	}
	working.Wait()
	return time.Since(began)
}

func weigh(b *bench, work func(int)) {
	units := unitsFor(work, time.Duration(b.n)*time.Millisecond)
	all := func() { work(units) }
	inTurn, atOnce := int64(math.MaxInt64), int64(math.MaxInt64)

	b.start()
	for i := 0; i < tries; i++ {
		if took := int64(carry(b.threads, 1, all)); took < inTurn {
			inTurn = took
		}
		if took := int64(carry(b.threads, b.threads, all)); took < atOnce {
			atOnce = took
		}
	}
	b.stop(1)
	b.result["relative"] = 100 * float64(atOnce) / float64(inTurn)
	b.note()
}

func runLost(b *bench) {
	weigh(b, compute)
}

func runLostInLibc(b *bench) {
	weigh(b, computeInLibrary)
	b.result["note"] = "its own quantum of 10 ms; bytes.IndexByte and copy"
}

// One goroutine blocks in read(2), the other spins.
func runHandover(b *bench) {
	var pipe [2]int
	var blocked int32
	var both sync.WaitGroup
	rounds := b.n + 1
	back, entered := make([]time.Duration, rounds), make([]time.Duration, rounds)
	handover, comeback := make([]time.Duration, 0, rounds), make([]time.Duration, 0, rounds)

	if syscall.Pipe(pipe[:]) != nil {
		die("wrong: pipe")
	}
	both.Add(2)
	b.start()
	go func() {
		one := make([]byte, 1)
		for i := 0; i < rounds; i++ {
			back[i] = stamp()
			entered[i] = stamp() // before the other can know
			atomic.StoreInt32(&blocked, int32(i+1))
			syscall.Read(pipe[0], one)
		}
		both.Done()
	}()
	go func() {
		left := stamp()
		for i := 0; i < rounds; i++ {
			for atomic.LoadInt32(&blocked) == int32(i) {
				left = stamp()
			}
			first := stamp()
			if i > 0 { // the first round begins in between
				handover = append(handover, first-entered[i])
				comeback = append(comeback, back[i]-left)
			}
			for left = stamp(); left-first < settle; left = stamp() {
			}
			syscall.Write(pipe[1], []byte{0})
		}
		both.Done()
	}()
	both.Wait()
	b.stop(rounds)
	syscall.Close(pipe[0])
	syscall.Close(pipe[1])
	b.result["handover"] = percentile(handover, 50)
	b.result["comeback"] = percentile(comeback, 50)
	b.result["note"] = "its monitor looks every 20 µs to 10 ms"
}

func runLate(b *bench) {
	var morning int32
	var spinning sync.WaitGroup
	late := make([]time.Duration, b.n)

	b.start()
	spinning.Add(1)
	go func() {
		for atomic.LoadInt32(&morning) == 0 {
		}
		spinning.Done()
	}()
	runtime.Gosched()
	for i := range late {
		due := time.Now().Add(nap)
		time.Sleep(time.Until(due))
		late[i] = time.Since(due)
	}
	atomic.StoreInt32(&morning, 1)
	spinning.Wait()
	b.stop(b.n)
	b.result["late"] = percentile(late, 50)
	b.result["p99"] = percentile(late, 99)
	b.note()
}
