/*
 * Contests for a lock in Go: contest.h once more.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
package main

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const cycle = 32

type contest struct {
	begin   chan struct{}
	_       [128]byte
	over    int32
	_       [128]byte
	guarded [2]int
	_       [128]byte
}

type contestant struct {
	accesses, changes int
	_                 [128]byte
}

func (c *contest) isOver() bool {
	return atomic.LoadInt32(&c.over) != 0
}

func (c *contest) competeForMutex(self *contestant, lock *sync.Mutex) {
	for more := true; more; {
		lock.Lock()
		if more = !c.isOver(); more {
			c.guarded[0]++
			c.guarded[1]++
			self.changes++
			self.accesses++
		}
		lock.Unlock()
	}
}

func (c *contest) competeForRWMutex(self *contestant, lock *sync.RWMutex, writes int) {
	for more := true; more; {
		if self.accesses*writes%cycle < writes {
			lock.Lock()
			if more = !c.isOver(); more {
				c.guarded[0]++
				c.guarded[1]++
				self.changes++
			}
			lock.Unlock()
		} else {
			lock.RLock()
			more = !c.isOver()
			if c.guarded[0] != c.guarded[1] {
				die("wrong: a change was seen half made")
			}
			lock.RUnlock()
		}
		if more {
			self.accesses++
		}
	}
}

// False: it was over before anybody had the lock.
func (b *bench) hold(compete func(*contest, *contestant)) bool {
	var ended sync.WaitGroup
	c := &contest{begin: make(chan struct{})}
	all := make([]contestant, b.threads)

	ended.Add(b.threads)
	for i := range all {
		self := &all[i]
		go func() {
			<-c.begin
			compete(c, self)
			ended.Done()
		}()
	}
	b.start()
	close(c.begin)
	time.Sleep(time.Duration(b.n) * time.Millisecond)
	atomic.StoreInt32(&c.over, 1)
	b.stop(1)
	ended.Wait()
	b.sumUp(c, all)
	return b.done > 0
}

func runContest(b *bench, compete func(*contest, *contestant)) {
	for !b.hold(compete) {
	}
}

func (b *bench) sumUp(c *contest, all []contestant) {
	accesses, changes, least, most := 0, 0, math.MaxInt, 0
	for i := range all {
		one := &all[i]
		accesses += one.accesses
		changes += one.changes
		if one.accesses < least {
			least = one.accesses
		}
		if one.accesses > most {
			most = one.accesses
		}
	}
	if c.guarded[0] != changes {
		die("wrong: a change was lost")
	}
	b.done = accesses
	b.result["fairness"] = 100 * float64(least) / float64(most)
}

func runMutex(b *bench) {
	var lock struct {
		sync.Mutex
		_ [128]byte
	}
	runContest(b, func(c *contest, self *contestant) {
		c.competeForMutex(self, &lock.Mutex)
	})
}

func runRWMutex(b *bench) {
	var lock struct {
		sync.RWMutex
		_ [128]byte
	}
	runContest(b, func(c *contest, self *contestant) {
		c.competeForRWMutex(self, &lock.RWMutex, b.writes)
	})
}
