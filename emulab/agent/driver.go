package main

import (
	"syscall"
	"time"
)

// connection is one of the load's concurrent requests.
type connection struct {
	fd       int
	began    time.Time
	sent     int
	linked   bool // the connection stands
	reused   bool // it served a request before
	answer   response
	watching uint32
}

// driver is the load's single thread.
type driver struct {
	plan   *loadPlan
	set    int
	buffer []byte
	open   map[int32]*connection
	issued int
	ended  int
	began  time.Time
	last   time.Time
	count  *loadCount
}

// drive runs until every request has ended.
func (d *driver) drive(cancelled <-chan struct{}) error {
	for i := 0; i < d.plan.concurrency; i++ {
		d.issue(&connection{fd: -1})
	}
	events := make([]syscall.EpollEvent, 64)
	swept := d.began
	for d.ended < d.plan.requests {
		n, err := syscall.EpollWait(d.set, events, 100)
		if err != nil && err != syscall.EINTR {
			return err
		}
		for i := 0; i < n; i++ {
			if c := d.open[events[i].Fd]; c != nil {
				d.advance(c)
			}
		}
		if now := time.Now(); now.Sub(swept) > 100*time.Millisecond {
			swept = now
			d.sweep(now)
			select {
			case <-cancelled:
				d.closeAll()
				return errCancelled
			default:
			}
		}
	}
	d.closeAll()
	return nil
}

// issue begins the next request on a connection, unless all have begun.
func (d *driver) issue(c *connection) {
	for d.issued < d.plan.requests {
		d.issued++
		c.began, c.sent = time.Now(), 0
		c.answer.reset()
		if c.fd >= 0 {
			c.reused = true
			d.advance(c)
			return
		}
		if d.connect(c) {
			return
		}
	}
	d.drop(c)
}

// connect opens a connection and sends at once if it stands; false when the request has failed.
func (d *driver) connect(c *connection) bool {
	fd, err := d.plan.target.at.connect()
	if err != nil && err != syscall.EINPROGRESS {
		d.fail(failedConnect)
		return false
	}
	c.fd, c.linked, c.reused, c.watching = fd, err == nil, false, 0
	d.open[int32(fd)] = c
	if c.linked {
		d.send(c)
	} else {
		d.watch(c, syscall.EPOLLOUT)
	}
	return true
}

func (d *driver) watch(c *connection, events uint32) {
	if c.watching == events {
		return
	}
	operation := syscall.EPOLL_CTL_MOD
	if c.watching == 0 {
		operation = syscall.EPOLL_CTL_ADD
	}
	c.watching = events
	syscall.EpollCtl(d.set, operation, c.fd, &syscall.EpollEvent{Events: events, Fd: int32(c.fd)})
}

// advance does what a connection can do without waiting.
func (d *driver) advance(c *connection) {
	if !c.linked {
		if socketError(c.fd) != nil {
			d.end(c, failedConnect)
			return
		}
		c.linked = true
	}
	if c.sent < len(d.plan.request) {
		d.send(c)
		return
	}
	d.receive(c)
}

func (d *driver) send(c *connection) {
	for c.sent < len(d.plan.request) {
		n, err := syscall.Write(c.fd, d.plan.request[c.sent:])
		switch {
		case n > 0:
			c.sent += n
		case err == syscall.EAGAIN:
			d.watch(c, syscall.EPOLLOUT)
			return
		case err == syscall.EINTR:
		case c.reused:
			d.again(c)
			return
		default:
			d.end(c, failedSend)
			return
		}
	}
	d.watch(c, syscall.EPOLLIN)
}

func (d *driver) receive(c *connection) {
	for {
		n, err := syscall.Read(c.fd, d.buffer)
		switch {
		case n > 0:
			c.answer.write(d.buffer[:n])
			d.count.bytes += int64(n)
			if d.plan.keepAlive && c.answer.whole() {
				d.complete(c)
				return
			}
			if n == len(d.buffer) {
				continue
			}
			return // the poll set says when there is more
		case err == syscall.EAGAIN:
			return
		case err == syscall.EINTR:
		case c.reused && c.answer.total == 0:
			d.again(c)
			return
		case err != nil:
			d.end(c, failedReceive)
			return
		case !c.answer.complete || c.answer.broken:
			d.end(c, failedMalformed)
			return
		case c.answer.length >= 0 && c.answer.body != c.answer.length:
			d.end(c, failedLength)
			return
		default:
			d.drop(c)
			d.complete(c)
			return
		}
	}
}

// complete counts a request that was answered and begins the next.
func (d *driver) complete(c *connection) {
	d.last = time.Now()
	d.ended++
	d.count.latencies = append(d.count.latencies, d.last.Sub(c.began).Nanoseconds())
	d.count.bodyBytes += c.answer.body
	if c.answer.status < 200 || c.answer.status > 299 {
		d.count.non2xx++
	}
	d.issue(c)
}

// again repeats a request on a new connection: the server had closed the one that was kept alive.
func (d *driver) again(c *connection) {
	d.drop(c)
	c.sent = 0
	c.answer.reset()
	if !d.connect(c) {
		d.issue(c)
	}
}

func (d *driver) end(c *connection, kind int) {
	d.drop(c)
	d.fail(kind)
	d.issue(c)
}

func (d *driver) fail(kind int) {
	d.last = time.Now()
	d.ended++
	d.count.failed[kind]++
}

func (d *driver) drop(c *connection) {
	if c.fd >= 0 {
		delete(d.open, int32(c.fd))
		syscall.Close(c.fd)
		c.fd = -1
	}
}

// sweep ends the requests that took too long.
func (d *driver) sweep(now time.Time) {
	var late []*connection
	for _, c := range d.open {
		if now.Sub(c.began) > d.plan.timeout {
			late = append(late, c)
		}
	}
	for _, c := range late {
		if c.fd >= 0 {
			d.end(c, failedTimeout)
		}
	}
}

func (d *driver) closeAll() {
	for fd := range d.open {
		syscall.Close(int(fd))
	}
	clear(d.open)
}
