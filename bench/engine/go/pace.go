package main

import (
	"encoding/binary"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pace calls back at a fixed rate, each time with the moment that was due, until the callback has enough. The kernel's timer keeps the
// time: Go's own sleeps are a millisecond coarse.
func pace(rate int, due func(index int, at time.Time) bool) error {
	descriptor, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return err
	}
	timer := os.NewFile(uintptr(descriptor), "timer")
	defer timer.Close()
	period := time.Second / time.Duration(rate)
	every := unix.NsecToTimespec(int64(period))
	began := time.Now()
	if err := unix.TimerfdSettime(descriptor, 0, &unix.ItimerSpec{Interval: every, Value: every}, nil); err != nil {
		return err
	}
	var expirations [8]byte
	for index := 0; ; {
		if _, err := timer.Read(expirations[:]); err != nil {
			return err
		}
		for range binary.NativeEndian.Uint64(expirations[:]) {
			if !due(index, began.Add(time.Duration(index+1)*period)) {
				return nil
			}
			index++
		}
	}
}
