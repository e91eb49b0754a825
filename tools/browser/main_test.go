package browser

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// agent is what the browser calls itself: a browser without a screen is a bot, and
// these tests are about people.
const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36"

var (
	chromium context.Context // the one browser process, in which each test has a profile
	web      *hosts          // what it finds under every name
)

// Tests wait for the browser and for a tracker's clocks more than they compute, so more
// of them run at a time than there are processors.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	path, err := find("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAIL: these tests need Chromium, which is not installed: run make setup")
		return 1
	}
	if web, err = listen(); err != nil {
		fmt.Fprintln(os.Stderr, "FAIL:", err)
		return 1
	}
	defer web.close()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.UserAgent(agent),
		chromedp.Flag("host-resolver-rules", fmt.Sprintf("MAP *.example %s, MAP *.test %s, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", web.secure.Addr(), web.plain.Addr())),
		// Unlike with every certificate's errors ignored, pages are cached and prerendered.
		chromedp.Flag("ignore-certificate-errors-spki-list", web.key),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-features", "HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,Translate"),
		chromedp.Flag("disable-sync", true),
		// A page in a window behind another one runs as one that is looked at.
		chromedp.Flag("disable-background-timer-throttling", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-prompt-on-repost", true),
		chromedp.Flag("password-store", "basic"),
	}
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Do(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "FAIL: Chromium (%s) does not start: %v\n", path, err)
		return 1
	}
	chromium = ctx
	return m.Run()
}

func find(names ...string) (path string, err error) {
	for _, name := range names {
		if path, err = exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", err
}

func loopback() (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(context.Background(), "tcp", "127.0.0.1:0")
}
