/*
 * The harness of bench.h once more, for Go: same arguments, same output.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"
)

type bench struct {
	// for the workload to read
	n, threads, processors, writes, capacity, bytes int
	// what was asked for
	run  func(*bench)
	time time.Duration
	warm int
	laps bool
	// the last run
	started time.Time
	elapsed time.Duration
	done    int
	// the laps: all of them, for exact percentiles
	timingLaps bool
	lapStarted time.Time
	lapTimes   []time.Duration
	// what will be printed
	result map[string]any
}

func (b *bench) start() {
	b.started = time.Now()
	b.lapStarted = b.started
}

func (b *bench) stop(done int) {
	b.elapsed = time.Since(b.started)
	b.done = done
}

func (b *bench) lap() {
	if b.timingLaps {
		now := time.Now()
		b.lapTimes = append(b.lapTimes, now.Sub(b.lapStarted))
		b.lapStarted = now
	}
}

func die(a ...any) {
	fmt.Fprintln(os.Stderr, a...)
	os.Exit(2)
}

func (b *bench) readArgument(argument string) {
	name, value, _ := strings.Cut(argument, "=")
	number, err := strconv.Atoi(value)
	if err != nil || number < 0 {
		die("not a number:", argument)
	}
	switch name {
	case "n":
		b.n = number
	case "time":
		b.time = time.Duration(number) * time.Millisecond
	case "warm":
		b.warm = number
	case "laps":
		b.laps = number != 0
	case "threads":
		b.threads = number
	case "processors":
		b.processors = number
	case "writes":
		b.writes = number
	case "capacity":
		b.capacity = number
	case "bytes":
		b.bytes = number
	case "quantum", "light", "higher": // there is nothing to choose
	default:
		die("no such argument:", argument)
	}
}

const growthMax = 100

func (b *bench) nextN() int {
	factor := float64(growthMax)
	if b.elapsed*growthMax > b.time {
		factor = 1.2 * float64(b.time) / float64(b.elapsed)
	}
	return int(float64(b.n)*factor) + 1
}

func (b *bench) runLaps() {
	b.lapTimes = make([]time.Duration, 0, b.n)
	b.timingLaps = true
	b.run(b)
	sort.Slice(b.lapTimes, func(i, j int) bool { return b.lapTimes[i] < b.lapTimes[j] })
	last := len(b.lapTimes) - 1
	b.result["p50"] = b.lapTimes[last/2].Nanoseconds()
	b.result["p99"] = b.lapTimes[last*99/100].Nanoseconds()
	b.result["p999"] = b.lapTimes[last*999/1000].Nanoseconds()
}

func (b *bench) measure() {
	for i := 0; i < b.warm; i++ {
		b.run(b)
	}
	b.run(b)
	for b.elapsed < b.time {
		b.n = b.nextN()
		b.run(b)
	}
	b.result["ns"] = float64(b.elapsed.Nanoseconds()) / float64(b.done)
	if b.laps {
		b.runLaps()
	}
}

func list(workloads map[string]func(*bench)) {
	for name := range workloads {
		fmt.Println(name)
	}
}

// What main does: reads the arguments, measures, prints.
func benchMain(workloads map[string]func(*bench), prepare func(*bench)) {
	if len(os.Args) < 2 {
		die("usage:", os.Args[0], "--list | workload [name=number]...")
	}
	if os.Args[1] == "--list" {
		list(workloads)
		return
	}
	run := workloads[os.Args[1]]
	if run == nil {
		die("no such workload:", os.Args[1])
	}
	b := &bench{n: 1, threads: 2, processors: 1, capacity: 1024, bytes: 8, run: run,
		result: map[string]any{}}
	for _, argument := range os.Args[2:] {
		b.readArgument(argument)
	}
	prepare(b)
	b.measure()
	line, err := json.Marshal(b.result)
	if err != nil {
		die(err)
	}
	fmt.Println(string(line))
}
