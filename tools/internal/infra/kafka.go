package infra

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

// kafkaVersion is that of kafka/pom.xml.
const kafkaVersion = "4.1.0"

//go:embed kafka/pom.xml
var kafkaPOM []byte

var kafkaJars = jars{name: "Kafka", version: kafkaVersion, pom: kafkaPOM, proof: "kafka_2.13-" + kafkaVersion + ".jar", megabytes: 43,
	oldest: 17, profile: shop.Kafka}

// Kafka is the private server: one node that is broker and controller.
type Kafka struct {
	Dir        string
	Port       int
	Controller int // port
	Password   string

	cluster [16]byte // of a store that is made; zero: drawn
}

// kafkaUser is the only one.
const kafkaUser = "sidecart"

// Partitions of each topic: as many replicas of a service can share its events.
const Partitions = 4

// properties is the server's configuration. Each batch of events is on the disk before it is answered; events are kept for a week, as
// the outboxes do. A killed broker's session must end before its successor is let in: with the default of nine seconds it is back after
// fifteen, with three after six.
const properties = `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[2]d
listeners=CLIENT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d
advertised.listeners=CLIENT://127.0.0.1:%[1]d
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.client.plain.sasl.jaas.config=%[3]s
listener.name.controller.plain.sasl.jaas.config=%[3]s
log.dirs=%[4]s
log.flush.interval.messages=1
log.retention.hours=168
message.max.bytes=4194304
num.partitions=%[5]d
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
`

const jaas = `org.apache.kafka.common.security.plain.PlainLoginModule required username="%[1]s" password="%[2]s" user_%[1]s="%[2]s";`

// Prepare writes the server's configuration, makes its store once, and returns the command that runs it.
func (k Kafka) Prepare(ctx context.Context, out io.Writer) (argv []string, err error) {
	files, err := kafkaJars.prepare(ctx, out)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(k.Dir, 0o700); err != nil {
		return nil, err
	}
	conf, store := filepath.Join(k.Dir, "server.properties"), filepath.Join(k.Dir, "log")
	escaped := strings.ReplaceAll(store, `\`, `\\`)
	text := fmt.Sprintf(properties, k.Port, k.Controller, fmt.Sprintf(jaas, kafkaUser, k.Password), escaped, Partitions)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	java := []string{files.java.path, "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", filepath.Join(files.lib, "*")}
	// Written last when a store is made: without it there is none.
	if _, err := os.Stat(filepath.Join(store, "meta.properties")); err != nil {
		if err := k.format(ctx, java, conf, store); err != nil {
			return nil, err
		}
	}
	return append(java, "kafka.Kafka", conf), nil
}

func (k Kafka) format(ctx context.Context, java []string, conf, store string) error {
	if err := os.RemoveAll(store); err != nil {
		return err
	}
	id := k.cluster
	if id == ([16]byte{}) {
		_, _ = rand.Read(id[:]) // it never fails
	}
	argv := append(append([]string(nil), java...), "kafka.tools.StorageTool", "format", "-c", conf,
		"--cluster-id="+base64.RawURLEncoding.EncodeToString(id[:])) // it may begin with a dash
	if said, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("make Kafka's store: %w\n%s", err, lastLines(said, 10))
	}
	return nil
}

// Client speaks to the server. The caller closes it.
func (k Kafka) Client() (*kadm.Client, error) {
	c, err := kgo.NewClient(
		kgo.SeedBrokers(shop.Local(k.Port)), kgo.SASL(plain.Auth{User: kafkaUser, Pass: k.Password}.AsMechanism()),
		kgo.RetryTimeout(3*time.Second), kgo.DialTimeout(time.Second),
	)
	if err != nil {
		return nil, err
	}
	return kadm.NewClient(c), nil
}

// Ready succeeds when the server serves its clients.
func (k Kafka) Ready(ctx context.Context) error {
	c, err := k.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	brokers, err := c.ListBrokers(ctx)
	if err == nil && len(brokers) == 0 {
		err = errors.New("it knows of no broker yet")
	}
	return err
}

// EnsureTopics makes the topics that are missing. A subscriber of one that comes later would learn of it minutes after.
func (k Kafka) EnsureTopics(ctx context.Context, topics ...string) error {
	c, err := k.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	made, err := c.CreateTopics(ctx, Partitions, 1, nil, topics...)
	if err != nil {
		return fmt.Errorf("make topics: %w", err)
	}
	for _, t := range made.Sorted() {
		if t.Err != nil && !errors.Is(t.Err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("make topic %s: %w", t.Topic, t.Err)
		}
	}
	return nil
}
