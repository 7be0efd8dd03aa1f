// A plain payout worker as one would write it in Go: the same steps as floor.c and payoutd, right as long as nothing
// fails. It takes a batch of records, works on each in a goroutine, and commits the outcomes and offsets of the batch in
// one Kafka transaction.
//
//	goworker BOOTSTRAP COMMANDS OUTCOMES NAME REDIS_PORT GATEWAY_URL CA_FILE CONNECTIONS
package main

import (
	"context"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
)

const secret, batchMax = "test_payout_key", 1024

type command struct {
	OrderID     string `json:"order_id"`
	UserID      string `json:"user_id"`
	Description string `json:"description"`
	Amount      struct {
		Value    string `json:"value"`
		Currency string `json:"currency"`
	} `json:"amount"`
	Destination struct {
		Type  string `json:"type"`
		Token string `json:"token"`
	} `json:"destination"`
}

type outcome struct {
	OrderID     string            `json:"order_id"`
	MerchantID  string            `json:"merchant_id"`
	UserID      string            `json:"user_id"`
	Description string            `json:"description"`
	Status      string            `json:"status"`
	Final       bool              `json:"final"`
	Sequence    int               `json:"sequence"`
	Attempt     int               `json:"attempt"`
	OccurredAt  time.Time         `json:"occurred_at"`
	Amount      any               `json:"amount"`
	PaidAmount  string            `json:"paid_amount"`
	Gateway     map[string]string `json:"gateway"`
	Evidence    string            `json:"evidence"`
	Destination map[string]string `json:"destination"`
	Command     map[string]any    `json:"command"`
	Timing      map[string]any    `json:"timing"`
	Replayed    bool              `json:"replayed"`
	LiveMode    bool              `json:"livemode"`
}

type field struct {
	XMLName xml.Name
	Value   string `xml:",chardata"`
}

type response struct {
	Fields []field `xml:",any"`
}

var arm = redis.NewScript(`redis.call('ZADD', KEYS[1], ARGV[1], KEYS[3])
redis.call('HSET', KEYS[3], 'v', '1', 'st', 'SENDING', 'fp', ARGV[2], 'src', ARGV[3], 'oid', ARGV[4], 'merchant',
	ARGV[5], 'profile', ARGV[6], 'inst', ARGV[7], 'call', ARGV[8], 'att', 1, 'seq', 0, 'pub', 0, 't_arm', ARGV[1])
redis.call('SET', KEYS[2], ARGV[1]) return 'ARMED'`)

var settle = redis.NewScript(`redis.call('ZADD', KEYS[1], ARGV[1], KEYS[3])
redis.call('HSET', KEYS[3], 'st', 'PAID', 'res', ARGV[2], 'rsrc', ARGV[3], 'seq', 1, 't_settle', ARGV[1], 'rid',
	ARGV[4]) redis.call('HSET', KEYS[3], 'pid', ARGV[5]) redis.call('SET', KEYS[2], ARGV[1]) return 'WRITTEN'`)

var published = redis.NewScript(`redis.call('HSET', KEYS[3], 'pub', 1) redis.call('PEXPIRE', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[1], KEYS[3]) return 'MARKED'`)

type worker struct {
	ctx      context.Context
	redis    *redis.Client
	http     *http.Client
	url      string
	outcomes string
	limit    chan struct{} // as many requests at a time as connections
}

func sign(script string, values map[string]string) string {
	names := make([]string, 0, len(values))
	for name := range values {
		if name != "pg_sig" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	parts := []string{script}
	for _, name := range names {
		parts = append(parts, values[name])
	}
	sum := md5.Sum([]byte(strings.Join(append(parts, secret), ";")))
	return hex.EncodeToString(sum[:])
}

func keys(order string) []string {
	return []string{"{po:00}:due", "{po:00}:last", "{po:00}:o:" + order}
}

func (w *worker) post(c *command) (map[string]string, error) {
	values := map[string]string{
		"pg_amount": c.Amount.Value, "pg_card_token_to": c.Destination.Token, "pg_currency": c.Amount.Currency,
		"pg_description": c.Description, "pg_merchant_id": "530123", "pg_order_id": c.OrderID,
		"pg_order_time_limit": time.Now().UTC().Add(time.Hour).Format("2006-01-02 15:04:05"),
		"pg_post_link":        "https://127.0.0.1:1/callback", "pg_salt": "abcdefghijklmnop", "pg_user_id": c.UserID,
	}
	values["pg_sig"] = sign("reg2reg", values)
	form := url.Values{}
	for name, value := range values {
		form.Set(name, value)
	}
	w.limit <- struct{}{}
	defer func() { <-w.limit }()
	answer, err := w.http.Post(w.url, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	var parsed response
	if err := xml.Unmarshal(text, &parsed); err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for _, one := range parsed.Fields {
		fields[one.XMLName.Local] = one.Value
	}
	if fields["pg_status"] != "ok" || sign("reg2reg", fields) != fields["pg_sig"] {
		return nil, fmt.Errorf("not paid: %s", text)
	}
	return fields, nil
}

func (w *worker) pay(record *kgo.Record) (*kgo.Record, error) {
	var c command
	if err := json.Unmarshal(record.Value, &c); err != nil {
		return nil, err
	}
	received := time.Now().UTC()
	source := fmt.Sprintf("%s/%d/%d", record.Topic, record.Partition, record.Offset)
	sum := md5.Sum(record.Value)
	print := hex.EncodeToString(sum[:])
	if err := arm.EvalSha(w.ctx, w.redis, keys(c.OrderID), received.UnixMilli(), print+print, source, c.OrderID,
		"530123", "main", "0123456789abcdef0123456789abcdef", 1).Err(); err != nil {
		return nil, err
	}
	armed := time.Now().UTC()
	fields, err := w.post(&c)
	if err != nil {
		return nil, err
	}
	answered := time.Now().UTC()
	body, err := json.Marshal(outcome{
		OrderID: c.OrderID, MerchantID: "530123", UserID: c.UserID, Description: c.Description, Status: "succeeded",
		Final: true, Sequence: 1, Attempt: 1, OccurredAt: answered, Amount: c.Amount,
		PaidAmount: fields["pg_payment_amount"], Evidence: "answer",
		Gateway: map[string]string{"payment_id": fields["pg_payment_id"], "reference": fields["pg_reference"],
			"status": fields["pg_status"], "payment_date": fields["pg_payment_date"]},
		Destination: map[string]string{"type": c.Destination.Type, "fingerprint": print},
		Command: map[string]any{"topic": record.Topic, "partition": record.Partition, "offset": record.Offset,
			"timestamp": record.Timestamp, "fingerprint": print + print},
		Timing: map[string]any{"received_at": received, "armed_at": armed, "answered_at": answered},
	})
	if err != nil {
		return nil, err
	}
	if err := settle.EvalSha(w.ctx, w.redis, keys(c.OrderID), answered.UnixMilli(), body, source, "ANSWER "+source,
		fields["pg_payment_id"]).Err(); err != nil {
		return nil, err
	}
	header := func(key, value string) kgo.RecordHeader { return kgo.RecordHeader{Key: key, Value: []byte(value)} }
	return &kgo.Record{Topic: w.outcomes, Key: []byte(c.OrderID), Value: body, Headers: []kgo.RecordHeader{
		header("content-type", "application/json"), header("ce_specversion", "1.0"),
		header("ce_type", "kz.example.payout.succeeded.v1"), header("ce_source", "/goworker"),
		header("ce_id", print), header("ce_time", answered.Format(time.RFC3339Nano)), header("ce_subject", c.OrderID),
		header("ce_dataschema", "https://schemas.invalid/payoutd/outcome-v1.json"),
		header("ce_correlationid", print), header("ce_causationid", print)}}, nil
}

func (w *worker) batch(session *kgo.GroupTransactSession, records []*kgo.Record) error {
	if err := session.Begin(); err != nil {
		return err
	}
	outcomes, group := make([]*kgo.Record, len(records)), sync.WaitGroup{}
	for i, record := range records {
		group.Add(1)
		go func() {
			defer group.Done()
			paid, err := w.pay(record)
			if err != nil {
				log.Fatal(err)
			}
			outcomes[i] = paid
		}()
	}
	group.Wait()
	if err := session.ProduceSync(w.ctx, outcomes...).FirstErr(); err != nil {
		return err
	}
	if committed, err := session.End(w.ctx, kgo.TryCommit); err != nil || !committed {
		return fmt.Errorf("not committed: %v", err)
	}
	marks := w.redis.Pipeline()
	for _, one := range outcomes {
		published.EvalSha(w.ctx, marks, keys(string(one.Key)), 34560000000)
	}
	_, err := marks.Exec(w.ctx)
	return err
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	if len(os.Args) != 9 {
		log.Fatal("BOOTSTRAP COMMANDS OUTCOMES NAME REDIS_PORT GATEWAY_URL CA_FILE CONNECTIONS")
	}
	connections, err := strconv.Atoi(os.Args[8])
	must(err)
	ca, err := os.ReadFile(os.Args[7])
	must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	w := &worker{
		ctx: context.Background(), url: os.Args[6], outcomes: os.Args[3], limit: make(chan struct{}, connections),
		redis: redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + os.Args[5]}),
		http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: pool, ClientSessionCache: tls.NewLRUClientSessionCache(0)},
			MaxIdleConnsPerHost: connections}},
	}
	for _, script := range []*redis.Script{arm, settle, published} {
		must(script.Load(w.ctx, w.redis).Err())
	}
	session, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(os.Args[1]), kgo.TransactionalID(os.Args[4]),
		kgo.ConsumerGroup(os.Args[4]), kgo.ConsumeTopics(os.Args[2]), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RequireStableFetchOffsets(),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.FetchMaxWait(500*time.Millisecond))
	must(err)
	for {
		fetches := session.PollRecords(w.ctx, batchMax)
		must(fetches.Err())
		if records := fetches.Records(); len(records) > 0 {
			must(w.batch(session, records))
		}
	}
}
