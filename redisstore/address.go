package redisstore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// options reads an address:
//
//	redis://user:password@host:6379/0           standalone, or one node of a Cluster
//	redis://host1:6379,host2:6379               Cluster
//	redis+sentinel://host1:26379,host2/name/0   the master that Sentinels name
//
// rediss:// and rediss+sentinel:// use TLS, with the system's roots or those in
// ?ca=FILE. Errors repeat nothing of the address: any part of it may be a password that
// was not percent-encoded.
func options(address string) (rueidis.ClientOption, error) {
	o := rueidis.ClientOption{
		DisableRetry: true, // requests have a short time-out of their own
		DisableCache: true,
		// One connection to a server carries more than several, because commands
		// sent at the same time share its packets.
		PipelineMultiplex: -1,
		AlwaysRESP2:       true, // sends no commands but ours, AUTH and SELECT, which proxies and old versions understand
		ClientSetInfo:     rueidis.DisableClientSetInfo,
	}
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return o, errors.New("the address has no scheme: use redis://host:6379")
	}
	secure, sentinel := false, false
	switch scheme {
	case "redis", "valkey":
	case "rediss", "valkeys":
		secure = true
	case "redis+sentinel":
		sentinel = true
	case "rediss+sentinel":
		secure, sentinel = true, true
	default:
		return o, errors.New("the scheme is unknown: use redis, rediss, redis+sentinel or rediss+sentinel")
	}
	rest, query, _ := strings.Cut(rest, "?")
	if strings.Contains(query, "@") {
		return o, errors.New("there is an @ after a ?: percent-encode the user and the password")
	}
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		if err := credentials(&o, rest[:i]); err != nil {
			return o, err
		}
		rest = rest[i+1:]
	}
	list, path, _ := strings.Cut(rest, "/")
	port := "6379"
	if sentinel {
		port = "26379"
	}
	for host := range strings.SplitSeq(list, ",") {
		addr, err := withPort(strings.TrimSpace(host), port)
		if err != nil {
			return o, err
		}
		o.InitAddress = append(o.InitAddress, addr)
	}
	path = strings.TrimSuffix(path, "/")
	if sentinel {
		if o.Sentinel.MasterSet, path, _ = strings.Cut(path, "/"); o.Sentinel.MasterSet == "" {
			return o, errors.New("the address does not name a master: use redis+sentinel://host:26379/name")
		}
		o.Sentinel.Username, o.Sentinel.Password = o.Username, o.Password
		o.Sentinel.TopologyRefreshInterval = topologyRefresh
	}
	if path != "" {
		db, err := strconv.Atoi(path)
		if err != nil || db < 0 {
			return o, errors.New("what follows the host is not the number of a database: use one like /0")
		}
		o.SelectDB = db
	}
	cluster := len(o.InitAddress) > 1 && !sentinel
	if cluster && o.SelectDB != 0 {
		return o, errors.New("a Cluster has only database 0: leave the number out")
	}
	o.ForceSingleClient = !sentinel && o.SelectDB != 0 // otherwise the client asks the server which kind it is
	if !secure {
		return o, nil
	}
	return o, secured(&o, query)
}

func credentials(o *rueidis.ClientOption, text string) (err error) {
	user, password, _ := strings.Cut(text, ":")
	if o.Username, err = url.PathUnescape(user); err == nil {
		o.Password, err = url.PathUnescape(password)
	}
	if err != nil {
		return errors.New("the user or password is not percent-encoded: write % as %25, @ as %40, : as %3A and / as %2F")
	}
	return nil
}

func withPort(host, port string) (string, error) {
	if host == "" {
		return "", errors.New("the address has an empty host: use redis://host:6379")
	}
	if _, p, err := net.SplitHostPort(host); err == nil {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return "", errors.New("a port is not a number from 1 to 65535: use one like :6379, and percent-encode the user and the password before an @")
		}
		return host, nil
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port), nil
}

// secured adds TLS to the options.
func secured(o *rueidis.ClientOption, query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("the text after ? is not understood: use ca=FILE")
	}
	o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if file := values.Get("ca"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			var of *fs.PathError
			if errors.As(err, &of) {
				err = of.Err
			}
			return fmt.Errorf("the file that ca names cannot be read: %w", err)
		}
		o.TLSConfig.RootCAs = x509.NewCertPool()
		if !o.TLSConfig.RootCAs.AppendCertsFromPEM(pem) {
			return errors.New("the file that ca names contains no certificate")
		}
	}
	o.Sentinel.TLSConfig = o.TLSConfig
	return nil
}
