#!/usr/bin/perl

# The console's view Health: what the status says, over time.
#
# not with sanitizers: it is about the page

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Browser;
use Uplink::Sled;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOC', workers => 2)->run;
    uplink_zone main 4m;
    uplink_auth off;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /sled { uplink_sled main; }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main min_sleds=1; }
        location /console/ { uplink_console main; }
        location /blind/ { uplink_console main; }
    }
EOC

my $url = 'http://127.0.0.1:' . $t->port;
my $browser = Uplink::Browser->new;
my $page = $browser->page("$url/console/#/health");

sub chart { return ".chart:has(.title:text-is('$_[0]'))" }

sub says {
    my ($title, $text, $name) = @_;

    ok(eval { $page->wait_text(chart($title) . ' .now', $text); 1 }, $name);
}

# samples are seconds apart: a page that comes into sight takes one at once

sub look {
    $page->eval('document.dispatchEvent(new Event("visibilitychange"))');
}

$page->wait_text('.health-state', 'Too few sleds');
pass('a 503 is a status');
says('Sleds', '0', 'no sled yet');

my $sled = sled($t, 'alpha');
$sled->send_json({ type => 'perm_request', req_id => 'q', payload => {
    tool_name => 'Bash', tool_input => {} } });
$sled->await('perm_pending');
look();
$page->wait_text('.health-state', 'All is well');
says('Sleds', '1', 'a sled');
says('Requests waiting', '1', 'a request');
says('Operators', '1', 'ourselves');
is($page->text(chart('Sleds') . ' .more'), '1 connection', 'more of it');
like($page->text(chart('Sleds') . ' .range'), qr/^0 to 1, last 5 min$/,
    'and of the past');
like($page->attribute(chart('Sleds') . ' svg', 'aria-label'),
    qr/^Sleds: 1 now, 0 to 1, last 5 min$/, 'in words');
like($page->attribute(chart('Sleds') . ' .curve', 'd'), qr/^M[\d. ]+L/,
    'and as a line');
like($page->text('.since'), qr/^uplink \S+, the fleet is/, 'what it is');
is($page->count('.tables table >> nth=0 >> tbody tr'), 2, 'two workers');
like(join("\n", $page->texts('.tables tr')), qr/^requests_opened\t.*\t1$/m,
    'counters');
$page->axe('health');

# ---- a status that cannot be read, and one that can be again

$page->run(<<'EOJ');
    await page.route('**/status', (route) => route.abort());
EOJ
look();
$page->wait_text('.health-state', 'cannot be read');
says('Sleds', "\x{2013}", 'nothing is made up');
like($page->text(chart('Sleds') . ' .range'), qr/^0 to 1/, 'the past stays');
$page->axe('health without a status');
$page->run(q{await page.unroute('**/status')});

$sled->send_json({ type => 'perm_cancel', req_id => 'q' });
look();
$page->wait_text('.health-state', 'All is well');
says('Requests waiting', '0', 'it is read again');
is($page->attribute(chart('Sleds') . ' .curve', 'd') =~ tr/M//, 2,
    'with a hole in the line');

# ---- an hour, whose clock the test turns

my $samples = $page->run(<<'EOJ');
    const other = await page.context().newPage();
    await other.clock.install();
    await other.goto(page.url());
    await other.locator('.health-state', { hasText: 'well' }).waitFor();

    for (let i = 0; i < 26; i++) {
        await Promise.all([other.waitForResponse('**/status'),
            other.clock.fastForward(180000)]);
    }

    const range = await other.locator('.range').first().innerText();
    const d = await other.locator('.curve').first().getAttribute('d');
    await other.close();
    return { range, points: (d.match(/[ML]/g) ?? []).length };
EOJ
like($samples->{range}, qr/last (?:5[5-9]|60) min$/, 'an hour and no more');
cmp_ok($samples->{points}, '<', 24, 'what is older is gone');
cmp_ok($samples->{points}, '>', 15, 'what is not is there');

my $phone = $browser->page("$url/console/#/health", phone => 1, dark => 1);
$phone->wait_text('.health-state', 'All is well');
$phone->axe('health on a phone');

$browser->finish;
$sled->close;
$t->finish;

done_testing;
