#!/usr/bin/perl

# Several who decide: two consoles, REST, a deadline, a sled that goes; and a
# console that was away meanwhile.  No card ends without saying why.
#
# not with sanitizers: it is about the page

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Uplink::Console;

my $t = Uplink::Console->new;

$t->console(<<'EOC', memory => '60s');
        uplink_permission_timeout 60s;
        uplink_resume_window 100ms;
        uplink_drain_timeout 3s;

        location /short/ {
            uplink_api main;
            uplink_permission_timeout 1s;
        }
EOC
$t->run;

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);
my $sled = $t->sled('alpha');
my ($one, $two) = map { $t->open } 1 .. 2;

for my $page ($one, $two) {
    $page->click('text=Settings');
    $page->click('text=Two seconds to take it back');
    $page->click('role=button[name="Close"]');
}

sub ask {
    my ($id) = @_;

    $sled->ask($id, { command => "do $id" });
    return map { $t->card($_, "do $id") } $one, $two;
}

# ---- both at once, many times: one wins, and both know which

for my $n (1 .. 5) {
    my ($card) = ask("race $n");
    my @said;

    $t->browser_process->command('both', list => [
        { id => $one->{id}, selector => "$card >> button.yes" },
        { id => $two->{id}, selector => "$card >> button.no + button" },
    ]);

    my $a = $sled->answers("race $n")->{"race $n"};
    ok($a->{approved}, 'approved');

    for my $page ($one, $two) {
        $page->wait_text($card, 'Approved by');
        push @said, $page->text("$card .foot");
    }

    is(scalar(grep { /by you/ } @said), 1, 'by one of them');
    is(scalar(grep { /by operator S-/ } @said), 1, 'and the other knows');

}

# one says something before it can know that it was decided

my ($late) = ask('late');

$two->run(<<'EOC', $late =~ /"(.*)"/);
    await page.evaluate((text) => { setTimeout(() => {
        const card = [...document.querySelectorAll('.card')].find((c) =>
            c.innerText.includes(text));
        const end = performance.now() + 1000;
        while (performance.now() < end) { /* hears nothing */ }
        card.querySelector('button.yes').click();
    }, 100); }, arg);
    await sleep(150);
EOC
$t->decide($one->attribute($late, 'data-id'), approved => $no);
$two->wait_text("$late .error", 'Your answer came too late');
$two->wait_text($late, 'Denied by somebody');
pass('who comes too late is told');

# ---- somebody else, by REST

my ($card) = ask('rest');
my $id = $one->attribute($card, 'data-id');
$t->decide($id, approved => $no, reason => 'no');
$_->wait_text($card, 'Denied by somebody') for $one, $two;
pass('denied over REST');

# ---- held back by one, decided by the other

$one->click('text=Settings');
$one->click('text=Two seconds to take it back');
$one->click('role=button[name="Close"]');

($card) = ask('held');
$t->press($one, $card, 'Approve');
$one->wait_text($card, 'Undo');
$t->press($two, $card, 'Approve');
$one->wait_text("$card .error", 'It ended before your answer was sent.');
pass('overtaken');

# ---- a deadline

my $r = $t->http(POST => '/short/permissions?wait=0', json => {
    tool_name => 'Brief', tool_input => { command => 'brief' },
    sled => 'bot' });
is($r->status, 202, 'asked for a second');
$card = $t->card($one, 'brief');
$one->wait_text($card, 'Expired: nobody answered in time');
pass('expired, and says so');

# ---- the sled is lost

my ($stays) = ask('orphan');
close $sled->handle;
$_->wait_text($stays, 'Withdrawn:') for $one, $two;
like($one->text($stays), qr/the sled was lost|does not wait/, 'and why');

# ---- away: what has ended meanwhile is told on the way back

my ($gone, $still) = map {
    $t->http(POST => '/v1/permissions?wait=0', json => { sled => 'bot',
        tool_name => 'Bash', tool_input => { command => $_ } })
        ->json->{req_id};
} 'while away', 'still open';

my @cards = map { $t->card($one, $_) } 'while away', 'still open';

# its next connections find nothing, and its worker dies

$one->run(<<'EOC');
    await page.evaluate(() => {
        const Real = window.WebSocket;

        window.WebSocket = function (url, protocols) {
            return new Real(String(url).replace('/v1/', '/nothing/'),
                protocols);
        };

        window.WebSocket.OPEN = Real.OPEN;
        window.back = () => { window.WebSocket = Real; };
    });
EOC
$t->kill9($_) for $t->workers;
$one->wait('.link[data-state="waiting"]', 'attached');
pass('a lost connection is told');
$two->wait('.link[data-state="online"]', 'attached');

is($t->decide($gone, approved => $yes)->status, 200, 'decided meanwhile');
$one->eval('window.back()');
$_->wait('.link[data-state="online"]', 'attached') for $one, $two;
$one->wait_text($cards[0], 'Approved by somebody');
pass('and heard of, by who was away');
is($one->attribute($cards[1], 'data-state'), 'open', 'the other is open');
$t->press($one, $cards[1], 'Approve');
$two->wait_text($cards[1], 'Approved by operator');
pass('and can be answered');

# ---- a reload: the pages go over to the new workers, and nothing is lost

$t->http(POST => '/v1/permissions?wait=0', json => { sled => 'bot',
    tool_name => 'Bash', tool_input => { command => 'over a reload' } });
my $reloaded = $t->card($one, 'over a reload');

$t->reload;
$_->wait('.link[data-state="online"]', 'attached') for $one, $two;
is($one->attribute($reloaded, 'data-state'), 'open', 'it is still there');
$t->press($two, $reloaded, 'Approve');
$one->wait_text($reloaded, 'Approved by operator');
pass('and is answered');

$t->finish(leaves => 'requests are remembered');

done_testing;
