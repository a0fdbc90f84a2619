#!/usr/bin/perl

# Questions, hooks and spawns in the console, from a sled and from an engine.
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

$t->console('uplink_request_timeout 60s;');
$t->run;

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);
my $sled = $t->sled('alpha');
my $page = $t->open;

$page->click('text=Settings');
$page->click('text=Two seconds to take it back');
$page->click('role=button[name="Close"]');

sub ask {
    my ($type, $id, %payload) = @_;

    $sled->send_json({ type => $type, req_id => $id,
        payload => { task_id => "task $id", %payload } });

    return $t->card($page, "task $id");
}

# ---- ask: words

my $card = ask('ask', 'q1', question => 'Which port?');
is($page->text("$card .question"), 'Which port?', 'a question');
$page->wait_text("$card h3", 'Question from alpha');
like($page->text("$card .left"), qr/^(?:1:00|0:5\d)$/, 'and its deadline');
$page->press('j', 'Enter');
is($page->eval('document.activeElement.tagName'), 'TEXTAREA',
    'Enter goes to the answer');
$page->type('80');
$page->press('Shift+Enter');
$page->type('or 81');
$page->press('Enter');
is_deeply($sled->await('answer')->{payload}, { value => "80\nor 81" },
    'answered');
$page->wait_text($card, 'Answered by you');

# ---- ask: one of several

$card = ask('ask', 'q2', question => { text => 'Which one?',
    options => ['left', { label => 'The right one', value => 2 }] });
$t->press($page, $card, 'The right one');
is_deeply($sled->await('answer')->{payload}, { value => 2 }, 'chosen');

# ---- hook_before

$card = ask('hook_before', 'h1', agent => 'coder', attempt => 2);
$page->wait_text("$card h3", 'Before an attempt from alpha');
$t->press($page, $card, 'Let it through');
is_deeply($sled->await('hook_ack')->{payload}, { ok => $yes }, 'let through');
$page->wait_text($card, 'Let through by you');

$card = ask('hook_before', 'h2', agent => 'coder', attempt => 3);
$t->press($page, $card, "Stop it \x{2026}");
$page->type('three times is enough');
$page->press('Enter');
is_deeply($sled->await('hook_ack')->{payload},
    { ok => $no, reason => 'three times is enough' }, 'stopped');

# ---- hook_after: nothing to answer

$card = ask('hook_after', 'h3', agent => 'coder', attempt => 3,
    result => { ok => $no });
$page->wait_text($card, 'For your information');
is($page->count(".recent $card"), 1, 'it does not wait');
is($page->eval('document.title'), "Decisions \x{2013} main",
    'and does not count');

# ---- spawn

$card = ask('spawn', 's1', agent => 'reviewer', attempt => 1,
    capability_token => 'sesame', directive => { goal => 'review' });
unlike($page->eval('document.body.innerText'), qr/sesame/,
    'a capability is not shown');
$t->press($page, $card, 'Acknowledge');
is($sled->await('spawn_ack')->{payload}{ok}, $yes, 'acknowledged');

$card = ask('spawn', 's2', agent => 'reviewer', attempt => 1,
    capability_token => 'sesame', directive => 'x');
$t->press($page, $card, "Answer with a value \x{2026}");
$page->fill("$card >> textarea", '{"lines": 12}');
$t->press($page, $card, 'Answer');
is_deeply($sled->await('spawn_ack')->{payload},
    { ok => $yes, value => { lines => 12 } }, 'with a value');

$card = ask('spawn', 's3', agent => 'reviewer', attempt => 1,
    capability_token => 'sesame', directive => 'x');
$t->press($page, $card, "Halt \x{2026}");
$page->type('not today');
$page->press('Enter');
is($sled->await('spawn_halt')->{payload}{reason}, 'not today', 'halted');

# ---- an engine asks this console alone

my ($sid) = map { $_->{sid} } @{$t->http(GET => '/v1/operators')
    ->json->{operators}};
my $r = $t->start(POST => "/v1/operators/$sid/ask?wait=30",
    json => { task_id => 'task e1', question => 'From an engine?' });
$card = $t->card($page, 'From an engine?');
$page->fill("$card >> textarea", 'yes');
$t->press($page, $card, 'Answer');
is_deeply($r->finish->json->{value}, 'yes', 'the engine has its answer');

# ---- the page goes, its session with it, and who asks hears that

$r = $t->start(POST => "/v1/operators/$sid/ask?wait=30",
    json => { task_id => 'task e2', question => 'Still there?' });
$t->card($page, 'Still there?');
$page->close;
is($r->finish->status, 410, 'operator_gone');
is($r->json->{error}{code}, 'operator_gone', 'says why');

$sled->close;
$t->finish(leaves => 'requests are remembered');

done_testing;
