// One scenario with the Go clients of Eclipse Paho (3.1.1 and 5.0), told as JSON in the first argument; prints one
// JSON object with what happened.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	v5 "github.com/eclipse/paho.golang/paho"
	v3 "github.com/eclipse/paho.mqtt.golang"
)

const deadline = 20 * time.Second

type message struct {
	Topic   string `json:"topic"`
	Payload string `json:"payload"`
	QoS     byte   `json:"qos"`
}

type scenario struct {
	Address   string    `json:"address"`
	ClientID  string    `json:"clientId"`
	Username  string    `json:"username"`
	Password  string    `json:"password"`
	Version   int       `json:"version"`
	Clean     bool      `json:"clean"`
	Subscribe []string  `json:"subscribe"`
	Publish   []message `json:"publish"`
	Expect    int       `json:"expect"`
}

type result struct {
	Refused        int       `json:"refused"`
	SessionPresent bool      `json:"sessionPresent"`
	Acks           []int     `json:"acks"`
	Messages       []message `json:"messages"`
}

func main() {
	var told scenario
	must(json.Unmarshal([]byte(os.Args[1]), &told))
	found := result{Acks: []int{}, Messages: []message{}}
	received := make(chan message, 16)
	if told.Version == 5 {
		playV5(told, &found, received)
	} else {
		playV3(told, &found, received)
	}
	must(json.NewEncoder(os.Stdout).Encode(found))
}

// gather takes as many messages as are expected, or what comes in half a second where none is.
func gather(told scenario, found *result, received chan message) {
	wait := 500 * time.Millisecond
	if told.Expect > 0 {
		wait = deadline
	}
	over := time.After(wait)
	for told.Expect == 0 || len(found.Messages) < told.Expect {
		select {
		case one := <-received:
			found.Messages = append(found.Messages, one)
		case <-over:
			return
		}
	}
}

func playV5(told scenario, found *result, received chan message) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	connection, err := net.Dial("tcp", told.Address)
	must(err)
	client := v5.NewClient(v5.ClientConfig{
		Conn: connection,
		OnPublishReceived: []func(v5.PublishReceived) (bool, error){func(one v5.PublishReceived) (bool, error) {
			received <- message{Topic: one.Packet.Topic, Payload: string(one.Packet.Payload)}
			return true, nil
		}},
	})
	expiry := uint32(0)
	if !told.Clean {
		expiry = 3600
	}
	connack, err := client.Connect(ctx, &v5.Connect{
		ClientID: told.ClientID, Username: told.Username, UsernameFlag: true, Password: []byte(told.Password),
		PasswordFlag: true, CleanStart: told.Clean, KeepAlive: 30,
		Properties: &v5.ConnectProperties{SessionExpiryInterval: &expiry},
	})
	if err != nil {
		if connack == nil {
			must(err)
		}
		found.Refused = int(connack.ReasonCode)
		return
	}
	found.SessionPresent = connack.SessionPresent
	for _, topic := range told.Subscribe {
		_, err = client.Subscribe(ctx, &v5.Subscribe{Subscriptions: []v5.SubscribeOptions{{Topic: topic, QoS: 1}}})
		must(err)
	}
	for _, one := range told.Publish {
		publish := &v5.Publish{Topic: one.Topic, Payload: []byte(one.Payload), QoS: one.QoS}
		answer, err := client.Publish(ctx, publish)
		if answer == nil {
			must(err)
		}
		found.Acks = append(found.Acks, int(answer.ReasonCode))
	}
	gather(told, found, received)
	must(client.Disconnect(&v5.Disconnect{}))
}

func playV3(told scenario, found *result, received chan message) {
	options := v3.NewClientOptions().AddBroker("tcp://" + told.Address).SetClientID(told.ClientID)
	options.SetUsername(told.Username).SetPassword(told.Password).SetProtocolVersion(4).SetCleanSession(told.Clean)
	options.SetAutoReconnect(false).SetConnectRetry(false)
	options.SetDefaultPublishHandler(func(_ v3.Client, one v3.Message) {
		received <- message{Topic: one.Topic(), Payload: string(one.Payload())}
	})
	client := v3.NewClient(options)
	connecting := client.Connect().(*v3.ConnectToken)
	connecting.WaitTimeout(deadline)
	if connecting.Error() != nil {
		found.Refused = int(connecting.ReturnCode())
		return
	}
	found.SessionPresent = connecting.SessionPresent()
	for _, topic := range told.Subscribe {
		token := client.Subscribe(topic, 1, nil)
		token.WaitTimeout(deadline)
		must(token.Error())
	}
	for _, one := range told.Publish {
		token := client.Publish(one.Topic, one.QoS, false, one.Payload)
		if !token.WaitTimeout(deadline) {
			must(fmt.Errorf("no acknowledgement within %s", deadline))
		}
		must(token.Error())
		found.Acks = append(found.Acks, 0)
	}
	gather(told, found, received)
	client.Disconnect(250)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
