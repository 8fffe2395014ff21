/*
 * The subject Go: goroutines, channels, atomics.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

func runSwitch(b *bench) {
	var all sync.WaitGroup
	each := b.n/b.threads + 1

	all.Add(b.threads)
	for i := 0; i < b.threads; i++ {
		go func() {
			for j := 0; j < each; j++ {
				runtime.Gosched()
			}
			all.Done()
		}()
	}
	b.start()
	all.Wait()
	b.stop(each * b.threads)
}

func runSpawn(b *bench) {
	var one sync.WaitGroup

	b.start()
	for i := 0; i < b.n; i++ {
		one.Add(1)
		go one.Done()
		one.Wait()
	}
	b.stop(b.n)
}

func runSpawnMany(b *bench) {
	var all sync.WaitGroup

	b.start()
	all.Add(b.n)
	for i := 0; i < b.n; i++ {
		go all.Done()
	}
	all.Wait()
	b.stop(b.n)
}

func fib(n int) int {
	if n < 2 {
		return n
	}
	left := make(chan int, 1)
	go func() { left <- fib(n - 1) }()
	right := fib(n - 2)
	return right + <-left
}

func runFib(b *bench) {
	b.start()
	fib(b.n)
	b.stop(1)
}

const fanOut = 10

func skynet(result chan<- int, first, leaves int) {
	if leaves == 1 {
		result <- first
		return
	}
	sums := make(chan int, fanOut)
	each := leaves / fanOut
	for i := 0; i < fanOut; i++ {
		go skynet(sums, first+i*each, each)
	}
	sum := 0
	for i := 0; i < fanOut; i++ {
		sum += <-sums
	}
	result <- sum
}

func runSkynet(b *bench) {
	result := make(chan int)

	b.start()
	go skynet(result, 0, b.n)
	sum := <-result
	b.stop(1)
	if sum != b.n*(b.n-1)/2 {
		die("wrong: skynet")
	}
}

func runPingPong(b *bench) {
	ping, pong := make(chan int), make(chan int)

	go func() {
		for i := range ping {
			pong <- i
		}
	}()
	b.start()
	for i := 0; i < b.n; i++ {
		ping <- i
		<-pong
		b.lap()
	}
	b.stop(b.n)
	close(ping)
	if b.processors > 1 {
		b.result["note"] = "not pinned: Go keeps both on one processor"
	}
}

func resident() float64 {
	var size, pages int
	statm, err := os.Open("/proc/self/statm")
	if err != nil {
		die(err)
	}
	defer statm.Close()
	if _, err := fmt.Fscan(statm, &size, &pages); err != nil {
		die(err)
	}
	return float64(pages * os.Getpagesize())
}

func runWaiting(b *bench) {
	var arrived int64
	leave := make(chan int)
	before := resident()

	b.start()
	for i := 0; i < b.n; i++ {
		go func() {
			atomic.AddInt64(&arrived, 1)
			<-leave
		}()
	}
	for atomic.LoadInt64(&arrived) < int64(b.n) {
		runtime.Gosched()
	}
	b.stop(b.n)
	b.result["bytes"] = (resident() - before) / float64(b.n)
}

func runAdvance(b *bench) {
	var count int64

	b.start()
	for i := 0; i < b.n; i++ {
		atomic.AddInt64(&count, 1)
	}
	b.stop(b.n)
	b.result["note"] = "atomic.AddInt64"
}

func main() {
	benchMain(map[string]func(*bench){
		"switch":       runSwitch,
		"spawn":        runSpawn,
		"spawn-many":   runSpawnMany,
		"fib":          runFib,
		"skynet":       runSkynet,
		"ping-pong":    runPingPong,
		"waiting":      runWaiting,
		"advance":      runAdvance,
		"gap":          runGap,
		"lost":         runLost,
		"lost-in-libc": runLostInLibc,
		"handover":     runHandover,
		"late":         runLate,
		"mutex":        runMutex,
		"mutex-many":   runMutex,
		"rwlock":       runRWMutex,
		"one-to-one":   runTraffic,
		"many-to-many": runTraffic,
		"ring":         runExchange,
		"ring-crowded": runExchange,
		"round-trip":   runRoundTrip,
	}, func(b *bench) { runtime.GOMAXPROCS(b.processors) })
}
