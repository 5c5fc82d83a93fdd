// Go's part in the network benchmark, as its users would write it: a goroutine
// for each connection, and the net package.
//
//	go_server echo [PORT]      prints its port; SIGTERM ends it
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// As in the other subjects (bench/lib/twin.h).
const bufferSize = 16 * 1024

func fail(what any) {
	fmt.Fprintln(os.Stderr, what)
	os.Exit(1)
}

func echo(connection net.Conn) {
	defer connection.Close()
	buffer := make([]byte, bufferSize)
	for {
		n, err := connection.Read(buffer)
		if err != nil {
			return
		}
		if _, err := connection.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func main() {
	if len(os.Args) < 2 || os.Args[1] != "echo" {
		fmt.Fprintln(os.Stderr, "usage: go_server echo [PORT]")
		os.Exit(2)
	}
	port := "0"
	if len(os.Args) > 2 {
		port = os.Args[2]
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		os.Exit(0)
	}()
	listener, err := net.Listen("tcp4", "127.0.0.1:"+port)
	if err != nil {
		fail(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		// TCP_NODELAY is Go's default.
		connection, err := listener.Accept()
		if err == nil {
			go echo(connection)
		}
	}
}
