/*
 * Traffic through buffered channels of Go: traffic.h once more.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
package main

import (
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// Messages of 8, 64 and 1024 bytes: the number, and at the end its inverse.
type message interface {
	[1]int | [8]int | [128]int
}

func write[M message](one *M, number int) {
	words := unsafe.Slice((*int)(unsafe.Pointer(one)), len(*one))
	words[0] = number
	if len(words) > 1 {
		words[len(words)-1] = ^number
	}
}

func read[M message](one *M) int {
	words := unsafe.Slice((*int)(unsafe.Pointer(one)), len(*one))
	if len(words) > 1 && words[len(words)-1] != ^words[0] {
		die("wrong: a message was torn")
	}
	return words[0]
}

type party struct {
	first, n    int
	expectsNext bool
	sum         int
	_           [128]byte
}

// What it has received as its i-th.
func (p *party) receipt(number, i int) {
	if p.expectsNext && number != i {
		die("wrong: a message came out of order")
	}
	p.sum += number
}

// n parties, of which each sends or receives `each` messages.
func gather(n, each int) []party {
	all := make([]party, n)
	for i := range all {
		all[i] = party{first: i * each, n: each, expectsNext: n == 1}
	}
	return all
}

func verify(all []party) {
	count, sum := 0, 0
	for i := range all {
		count += all[i].n
		sum += all[i].sum
	}
	if sum != count*(count-1)/2 {
		die("wrong: messages were lost, or came twice")
	}
}

// The CPU time of the process.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		die(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// All begin at once, do what they have to, and end.
func (b *bench) act(all []party, ended *sync.WaitGroup, work func(*party)) {
	ended.Add(len(all))
	for i := range all {
		self := &all[i]
		go func() {
			work(self)
			ended.Done()
		}()
	}
}

func (b *bench) finish(ended *sync.WaitGroup, cpu time.Duration, done int) {
	ended.Wait()
	b.stop(done)
	b.result["cpu"] = float64(cpuTime()-cpu) / float64(done)
}

func sendAll[M message](self *party, out chan M) {
	var one M
	for i := 0; i < self.n; i++ {
		write(&one, self.first+i)
		out <- one
	}
}

func receiveAll[M message](self *party, in chan M) {
	for i := 0; i < self.n; i++ {
		one := <-in
		self.receipt(read(&one), i)
	}
}

func traffic[M message](b *bench) {
	var ended sync.WaitGroup
	buffer := make(chan M, b.capacity)
	each := b.n/b.threads + 1
	senders, receivers := gather(b.threads, each), gather(b.threads, each)
	cpu := cpuTime()

	b.start()
	b.act(senders, &ended, func(self *party) { sendAll(self, buffer) })
	b.act(receivers, &ended, func(self *party) { receiveAll(self, buffer) })
	b.finish(&ended, cpu, b.threads*each)
	verify(receivers)
}

func trySend(out chan int, number int) bool {
	select {
	case out <- number:
		return true
	default:
		return false
	}
}

func tryReceive(in chan int) (int, bool) {
	select {
	case number := <-in:
		return number, true
	default:
		return 0, false
	}
}

func exchange(self *party, buffer chan int) {
	for i := 0; i < self.n; i++ {
		for !trySend(buffer, self.first+i) {
			runtime.Gosched()
		}
		number, received := tryReceive(buffer)
		for !received {
			runtime.Gosched()
			number, received = tryReceive(buffer)
		}
		self.receipt(number, i)
	}
}

func runExchange(b *bench) {
	var ended sync.WaitGroup
	buffer := make(chan int, b.capacity)
	each := b.n/b.threads + 1
	all := gather(b.threads, each)
	cpu := cpuTime()

	b.start()
	b.act(all, &ended, func(self *party) { exchange(self, buffer) })
	b.finish(&ended, cpu, b.threads*each)
	verify(all)
}

func roundTrip[M message](b *bench) {
	there, back := make(chan M, b.capacity), make(chan M, b.capacity)
	self := party{n: b.n, expectsNext: true}
	var one M

	go func() {
		for one := range there {
			back <- one
		}
	}()
	b.start()
	for i := 0; i < b.n; i++ {
		write(&one, i)
		there <- one
		one = <-back
		self.receipt(read(&one), i)
		b.lap()
	}
	b.stop(b.n)
	close(there)
}

// Runs the function for messages of the size asked for.
func (b *bench) forSize(of8, of64, of1024 func(*bench)) {
	switch b.bytes {
	case 8:
		of8(b)
	case 64:
		of64(b)
	case 1024:
		of1024(b)
	default:
		die("wrong: messages of that size")
	}
}

func runTraffic(b *bench) {
	b.forSize(traffic[[1]int], traffic[[8]int], traffic[[128]int])
}

func runRoundTrip(b *bench) {
	b.forSize(roundTrip[[1]int], roundTrip[[8]int], roundTrip[[128]int])
}
