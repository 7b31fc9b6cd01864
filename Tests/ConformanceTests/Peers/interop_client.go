// The interoperability cases by grpc-go: a client without generated code, which puts the few
// messages together itself.
//
//	interop_client_go PORT [AUTHORITY_FILE]
//
// Tells each case by one line of JSON: {"case", "failure", "milliseconds"}.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const service = "/grpc.testing.TestService/"

// raw passes messages as the bytes that they are.
type raw struct{}

func (raw) Marshal(value interface{}) ([]byte, error) { return *value.(*[]byte), nil }
func (raw) Unmarshal(data []byte, value interface{}) error {
	*value.(*[]byte) = append([]byte{}, data...)
	return nil
}
func (raw) Name() string { return "proto" }

// Protobuf, as far as these messages need it.

func varint(value uint64) []byte {
	buffer := make([]byte, binary.MaxVarintLen64)
	return buffer[:binary.PutUvarint(buffer, value)]
}

func number(field, value int) []byte {
	return append(varint(uint64(field<<3)), varint(uint64(value))...)
}

func block(field int, value []byte) []byte {
	return append(append(varint(uint64(field<<3|2)), varint(uint64(len(value)))...), value...)
}

func payload(field, size int) []byte { return block(field, block(2, make([]byte, size))) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// payloadSize reads a response whose first field is a payload with nothing but zeros.
func payloadSize(response []byte) int { return bytes.Count(response, []byte{0}) }

var (
	requestSizes  = []int{27182, 8, 1828, 45904}
	responseSizes = []int{31415, 9, 2653, 58979}
	largeRequest  = join(number(2, 314159), payload(3, 271828))
)

func call(connection *grpc.ClientConn, method string, request []byte, options ...grpc.CallOption) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var response []byte
	if method[0] != '/' {
		method = service + method
	}
	err := connection.Invoke(ctx, method, &request, &response, options...)
	return response, err
}

func open(ctx context.Context, connection *grpc.ClientConn, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	return connection.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, service+method, options...)
}

func expect(code codes.Code, err error) error {
	if status.Code(err) != code {
		return fmt.Errorf("got %v, wanted %v", err, code)
	}
	return nil
}

func expectLarge(response []byte, err error) error {
	if err == nil && payloadSize(response) < 314159 {
		err = fmt.Errorf("the payload has %d bytes", payloadSize(response))
	}
	return err
}

func emptyUnary(c *grpc.ClientConn) error {
	response, err := call(c, "EmptyCall", nil)
	if err == nil && len(response) > 0 {
		err = errors.New("the response is not empty")
	}
	return err
}

func largeUnary(c *grpc.ClientConn) error { return expectLarge(call(c, "UnaryCall", largeRequest)) }

func clientStreaming(c *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	stream, err := open(ctx, c, "StreamingInputCall")
	if err != nil {
		return err
	}
	for _, size := range requestSizes {
		request := payload(1, size)
		if err := stream.SendMsg(&request); err != nil {
			return err
		}
	}
	var response []byte
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := stream.RecvMsg(&response); err != nil {
		return err
	}
	if !bytes.Equal(response, number(1, 74922)) {
		return fmt.Errorf("the sum is %v", response)
	}
	return nil
}

func serverStreaming(c *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	stream, err := open(ctx, c, "StreamingOutputCall")
	if err != nil {
		return err
	}
	var request []byte
	for _, size := range responseSizes {
		request = append(request, block(2, number(1, size))...)
	}
	if err := stream.SendMsg(&request); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return receive(stream, responseSizes)
}

// receive expects payloads of these sizes and then the end.
func receive(stream grpc.ClientStream, sizes []int) error {
	var response []byte
	for _, size := range sizes {
		if err := stream.RecvMsg(&response); err != nil {
			return err
		}
		if payloadSize(response) < size {
			return fmt.Errorf("a payload has %d bytes, wanted %d", payloadSize(response), size)
		}
	}
	if err := stream.RecvMsg(&response); err != io.EOF {
		return fmt.Errorf("no end: %v", err)
	}
	return nil
}

func pingPong(c *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	stream, err := open(ctx, c, "FullDuplexCall")
	if err != nil {
		return err
	}
	var response []byte
	for index, size := range requestSizes {
		request := join(block(2, number(1, responseSizes[index])), payload(3, size))
		if err := stream.SendMsg(&request); err != nil {
			return err
		}
		if err := stream.RecvMsg(&response); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return receive(stream, nil)
}

func halfDuplex(c *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	stream, err := open(ctx, c, "HalfDuplexCall")
	if err != nil {
		return err
	}
	for _, size := range responseSizes {
		request := block(2, number(1, size))
		if err := stream.SendMsg(&request); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return receive(stream, responseSizes)
}

func emptyStream(c *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	stream, err := open(ctx, c, "FullDuplexCall")
	if err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return receive(stream, nil)
}

func clientCompressedUnary(c *grpc.ClientConn) error {
	probe := join(largeRequest, block(8, number(1, 1)))
	if _, err := call(c, "UnaryCall", probe); expect(codes.InvalidArgument, err) != nil {
		return expect(codes.InvalidArgument, err)
	}
	return expectLarge(call(c, "UnaryCall", probe, grpc.UseCompressor(gzip.Name)))
}

// grpc-go compresses all messages of a call or none.
func clientCompressedStreaming(c *grpc.ClientConn) error {
	send := func(expected int, options ...grpc.CallOption) error {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		stream, err := open(ctx, c, "StreamingInputCall", options...)
		if err != nil {
			return err
		}
		for _, size := range []int{27182, 45904} {
			request := join(payload(1, size), block(2, number(1, expected)))
			// What the server says is in the response: it may have ended the call by now.
			if err := stream.SendMsg(&request); err != nil && err != io.EOF {
				return err
			}
		}
		if err := stream.CloseSend(); err != nil {
			return err
		}
		var response []byte
		if err := stream.RecvMsg(&response); err != nil {
			return err
		}
		if !bytes.Equal(response, number(1, 73086)) {
			return fmt.Errorf("the sum is %v", response)
		}
		return nil
	}
	if err := expect(codes.InvalidArgument, send(1)); err != nil {
		return err
	}
	if err := send(1, grpc.UseCompressor(gzip.Name)); err != nil {
		return err
	}
	return send(0)
}

func serverCompressedUnary(c *grpc.ClientConn) error {
	return expectLarge(call(c, "UnaryCall", join(largeRequest, block(6, number(1, 1)))))
}

func serverCompressedStreaming(c *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	stream, err := open(ctx, c, "StreamingOutputCall")
	if err != nil {
		return err
	}
	request := join(block(2, join(number(1, 31415), block(3, number(1, 1)))), block(2, number(1, 92653)))
	if err := stream.SendMsg(&request); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return receive(stream, []int{31415, 92653})
}

// grpc-go sends a cacheable call by POST like any other.
func cacheableUnary(c *grpc.ClientConn) error {
	var header metadata.MD
	response, err := call(c, "CacheableUnaryCall", nil, grpc.Header(&header))
	if err != nil {
		return err
	}
	if len(response) == 0 {
		return errors.New("the response is empty")
	}
	if got := header.Get("cache-control"); len(got) != 1 || got[0] != "max-age=60, public" {
		return fmt.Errorf("initial metadata %v", header)
	}
	return nil
}

func customMetadata(c *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "x-grpc-test-echo-initial", "test_initial_metadata_value",
		"x-grpc-test-echo-trailing-bin", "\xab\xab\xab")
	var header, trailer metadata.MD
	var response []byte
	err := c.Invoke(ctx, service+"UnaryCall", &largeRequest, &response, grpc.Header(&header), grpc.Trailer(&trailer))
	if err != nil {
		return err
	}
	if got := header.Get("x-grpc-test-echo-initial"); len(got) != 1 || got[0] != "test_initial_metadata_value" {
		return fmt.Errorf("initial metadata %v", header)
	}
	if got := trailer.Get("x-grpc-test-echo-trailing-bin"); len(got) != 1 || got[0] != "\xab\xab\xab" {
		return fmt.Errorf("trailing metadata %v", trailer)
	}
	return nil
}

func statusCase(message string) func(*grpc.ClientConn) error {
	return func(c *grpc.ClientConn) error {
		request := block(7, join(number(1, 2), block(2, []byte(message))))
		_, err := call(c, "UnaryCall", request)
		if got := status.Convert(err); got.Code() != codes.Unknown || got.Message() != message {
			return fmt.Errorf("got %v", err)
		}
		return nil
	}
}

func unimplemented(method string) func(*grpc.ClientConn) error {
	return func(c *grpc.ClientConn) error {
		_, err := call(c, method, nil)
		return expect(codes.Unimplemented, err)
	}
}

const soakCalls, soakChannels = 200, 25

func rpcSoak(c *grpc.ClientConn) error {
	for index := 0; index < soakCalls; index++ {
		if err := largeUnary(c); err != nil {
			return err
		}
	}
	return nil
}

// channelSoak makes each call over a connection of its own.
func channelSoak(connect func() (*grpc.ClientConn, error)) func(*grpc.ClientConn) error {
	return func(*grpc.ClientConn) error {
		for index := 0; index < soakChannels; index++ {
			c, err := connect()
			if err != nil {
				return err
			}
			err = largeUnary(c)
			_ = c.Close()
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func cancelAfterBegin(c *grpc.ClientConn) error {
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := open(ctx, c, "StreamingInputCall")
	cancel()
	if err != nil {
		return err
	}
	var response []byte
	return expect(codes.Canceled, stream.RecvMsg(&response))
}

func cancelAfterFirstResponse(c *grpc.ClientConn) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := open(ctx, c, "FullDuplexCall")
	if err != nil {
		return err
	}
	request := join(block(2, number(1, 31415)), payload(3, 27182))
	var response []byte
	if err := stream.SendMsg(&request); err != nil {
		return err
	}
	if err := stream.RecvMsg(&response); err != nil {
		return err
	}
	cancel()
	return expect(codes.Canceled, stream.RecvMsg(&response))
}

func timeoutOnSleepingServer(c *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	stream, err := open(ctx, c, "FullDuplexCall")
	if err != nil {
		return expect(codes.DeadlineExceeded, err)
	}
	request := payload(3, 27182)
	_ = stream.SendMsg(&request)
	var response []byte
	return expect(codes.DeadlineExceeded, stream.RecvMsg(&response))
}

func main() {
	options := []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}))}
	if len(os.Args) > 2 {
		trusted, err := credentials.NewClientTLSFromFile(os.Args[2], "localhost")
		if err != nil {
			panic(err)
		}
		options = append(options, grpc.WithTransportCredentials(trusted))
	} else {
		options = append(options, grpc.WithInsecure())
	}
	connect := func() (*grpc.ClientConn, error) { return grpc.Dial("localhost:"+os.Args[1], options...) }
	connection, err := connect()
	if err != nil {
		panic(err)
	}
	cases := []struct {
		name string
		run  func(*grpc.ClientConn) error
	}{
		{"empty_unary", emptyUnary},
		{"large_unary", largeUnary},
		{"client_streaming", clientStreaming},
		{"server_streaming", serverStreaming},
		{"ping_pong", pingPong},
		{"half_duplex", halfDuplex},
		{"empty_stream", emptyStream},
		{"client_compressed_unary", clientCompressedUnary},
		{"client_compressed_streaming", clientCompressedStreaming},
		{"server_compressed_unary", serverCompressedUnary},
		{"server_compressed_streaming", serverCompressedStreaming},
		{"cacheable_unary", cacheableUnary},
		{"custom_metadata", customMetadata},
		{"status_code_and_message", statusCase("test status message")},
		{"special_status_message", statusCase("\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n")},
		{"unimplemented_method", unimplemented("UnimplementedCall")},
		{"unimplemented_service", unimplemented("/grpc.testing.UnimplementedService/UnimplementedCall")},
		{"cancel_after_begin", cancelAfterBegin},
		{"cancel_after_first_response", cancelAfterFirstResponse},
		{"timeout_on_sleeping_server", timeoutOnSleepingServer},
		{"rpc_soak", rpcSoak},
		{"channel_soak", channelSoak(connect)},
	}
	output := json.NewEncoder(os.Stdout)
	for _, each := range cases {
		begin := time.Now()
		failure := ""
		if err := each.run(connection); err != nil {
			failure = "failed: " + err.Error()
		}
		took := int(time.Since(begin).Milliseconds())
		_ = output.Encode(map[string]interface{}{"case": each.name, "failure": failure, "milliseconds": took})
	}
}
