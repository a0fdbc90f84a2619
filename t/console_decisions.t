#!/usr/bin/perl

# The console's view of what waits for somebody, in a real browser: what a
# person says, what becomes of it, and by the keyboard alone.
#
# not with sanitizers: it is about the page

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use Test::More;
use Uplink::Console;

my $t = Uplink::Console->new;

$t->console('uplink_permission_timeout 60s; uplink_permission_max 200s;');
$t->run;

my $sled = $t->sled('alpha', features => { receipts => JSON::PP::true });
my $page = $t->open;

sub ask {
    my ($id, $input, %more) = @_;

    $sled->ask($id, $input, %more);
    my $text = $input->{command} // $more{description};

    return $t->card($page, $text);
}

sub answer {
    my ($id) = @_;

    return $sled->answers($id)->{$id};
}

sub say {
    my ($type, $id, %payload) = @_;

    return $sled->send_json({ type => $type, req_id => $id,
        payload => \%payload });
}

# ---- a request comes, and is laid out

is($page->text('.nothing p'), 'Nothing waits for you.', 'nothing waits');
is($page->eval('document.title'), "Decisions \x{2013} main", 'the title');

my $card = ask('r1', { command => 'make install', timeout => 90 },
    description => 'Install it', task_id => 't1', issue_id => 'i7',
    workspace_id => 'w');

is($page->text("$card .command code"), 'make install', 'a command');
is($page->text("$card .description"), 'Install it', 'its description');
is($page->text("$card .values dt"), 'timeout', 'what else is in it');
is($page->text("$card .values dd"), '90', 'and its value');
like($page->text("$card header"), qr/^Bash from alpha\b.*issue i7.*task t1/s,
    'who asks');
like($page->text("$card .left"), qr/^(?:1:00|0:5\d)$/, 'time is counted');
is($page->eval('document.title'), "(1) Decisions \x{2013} main",
    'the title counts');
is($page->count('.nothing:visible'), 0, 'something waits');

# ---- approve, with two seconds to take it back

$t->press($page, $card, 'Approve');
$page->wait_text($card, 'Approving');
$t->press($page, $card, 'Undo');
$page->wait("$card >> text=Approve");
is($t->http(GET => '/v1/requests/' . $page->attribute($card, 'data-id'))
    ->json->{state}, 'open', 'nothing was sent');

$t->press($page, $card, 'Approve');
my $a = answer('r1');
ok($a->{approved} && !$a->{always_allow}, 'approved, after it');
like($a->{decided_by}{sid}, qr/^S-/, 'by a session');

# ---- what becomes of it

$page->wait_text($card, 'Approved by you, on its way to the sled.');
say('perm_ack', 'r1');
$page->wait_text($card, 'Approved by you, delivered.');
say('perm_applied', 'r1', applied => JSON::PP::true);
$page->wait_text($card, 'Approved by you, applied.');
is($page->eval('document.title'), "Decisions \x{2013} main",
    'the title counts it no more');
my $first = $card;

# the rest of this test does not wait for that

$page->click('text=Settings');
$page->click('text=Two seconds to take it back');
$page->shot('settings-desktop-light');
$page->axe('settings');
$page->click('role=button[name="Close"]');

# ---- deny, with a reason; the words go to the agent

$card = ask('r2', { command => 'rm -rf /' });
$t->press($page, $card, "Deny \x{2026}");
$page->fill("$card >> input", 'not that one');
$t->press($page, $card, 'Cancel');
$t->press($page, $card, "Deny \x{2026}");
is($page->value("$card >> input"), '', 'begun anew');
$page->type('please not');
$page->press('Enter');
$a = answer('r2');
ok(!$a->{approved}, 'denied');
is($a->{message}, 'please not', 'with the reason');
$page->wait_text($card, 'Denied by you');
say('perm_ack', 'r2');
say('perm_applied', 'r2', applied => JSON::PP::false, error => 'x');
$page->wait_text($card, 'Denied by you, but it could not be applied.');

# ---- always

$card = ask('r3', { command => 'ls' });
$t->press($page, $card, 'Always');
$a = answer('r3');
ok($a->{approved} && $a->{always_allow}, 'always');

# ---- another input: a command as a command, anything else as JSON

$card = ask('r4', { command => 'make', cwd => '/src' });
$t->press($page, $card, "Edit \x{2026}");
is($page->value("$card >> textarea"), 'make', 'the command');
$page->fill("$card >> textarea", 'make -n');
$t->press($page, $card, 'Approve this instead');
is_deeply(answer('r4')->{updated_input}, { command => 'make -n',
    cwd => '/src' }, 'edited');

$card = ask('r5', { n => 12345678901234567890, to => 'x' },
    description => 'numbers');
is($page->text("$card .values dd"), '12345678901234567890',
    'a large number is as it was');
$t->press($page, $card, "Edit \x{2026}");
like($page->value("$card >> textarea"), qr/"n": 12345678901234567890,/,
    'to edit as well');
$page->fill("$card >> textarea", '{ "n": 12345678901234567891, ');
$t->press($page, $card, 'Approve this instead');
$page->wait_text("$card .editor .error", 'This is not JSON');
$page->fill("$card >> textarea", '{ "n": 12345678901234567891 }');
$t->press($page, $card, 'Approve this instead');
$a = answer('r5');
is($a->{updated_input}{n}, '12345678901234567891', 'and to send');

# ---- extend

$card = ask('r6', { command => 'sleep' });
$t->press($page, $card, '+2 min');
$page->wait("$card .left:text-matches(\"^(?:3:00|2:5)\")");
pass('more time');
$t->press($page, $card, '+2 min');
$page->wait("$card .left:text-matches(\"^3:1\")");
$t->press($page, $card, '+2 min');
$page->wait_text("$card .error", 'It cannot wait any longer than that.');
pass('but not for ever, and that is told');

# ---- withdrawn

say('perm_cancel', 'r6');
$page->wait_text($card, 'Withdrawn: the sled does not wait any more.');

# ---- a file that is changed

my $edit = { file_path => '/src/a.c', old_string => "one\ntwo\nthree\n",
    new_string => "one\n2\nthree\nfour\n" };
$card = ask('r7', $edit, description => 'a change');
is($page->text("$card figcaption"), "Change of /src/a.c\n+2 \x{2212}1",
    'which file, how much');
is_deeply([$page->texts("$card .line[data-op=\"-\"] .hear")], ['removed:'],
    'what goes, for the ear');
is_deeply([map { s/\n//gr } $page->texts("$card .line")],
    [' one', 'removed:-two', 'added:+2', ' three', 'added:+four'],
    'line by line');

# ---- keys alone

for my $n (1 .. 3) {
    ask("k$n", { command => "key $n" });
}

$page->eval('document.activeElement.blur()');
$page->wait('.card:has-text("key 1")');

for (1 .. 9) {
    last if $page->count('[data-selected]:has-text("key 1")');
    $page->press('j');
}

is($page->eval('document.activeElement.className'), 'card',
    'j goes to a card, and the focus with it');
$page->press('j', 'k', 'a');
ok(answer('k1')->{approved}, 'a approves');
is($page->count('[data-selected]:has-text("key 2")'), 1, 'and goes on');
$page->press('d');
is($page->eval('document.activeElement.tagName'), 'INPUT', 'd asks why');
$page->type('a j k');
$page->press('Enter');
is(answer('k2')->{message}, 'a j k', 'letters are letters there');
$page->press('e');
is($page->eval('document.activeElement.tagName'), 'TEXTAREA', 'e edits');
$page->press('Escape', 'x');
$page->wait('.card:has-text("key 3") .left:text-matches("^(?:3:00|2:5)")');
$page->press('?');
$page->wait('dialog >> text=take back');
$page->axe('keys');
$page->press('a', 'Escape');
is($page->count('.card:has-text("key 3")[data-state="open"]'), 1,
    'a key in a dialog is nothing');
$page->press('Enter');
is($page->eval('document.activeElement.tagName'), 'PRE', 'Enter reads');

$page->axe('decisions');

# ---- over REST

my $short = $t->http(POST => '/v1/permissions?wait=0', json => {
    tool_name => 'Brief', tool_input => {}, sled => 'bot' });
is($short->status, 202, 'asked over REST');
$card = $t->card($page, 'Brief');
is($page->text("$card h3"), 'Brief from bot', 'and it is there');
$page->press('1');
$t->press($page, $card, "Deny \x{2026}");
$page->press('Enter');
$page->wait_text($card, 'Denied by you');

# ---- what is over can be cleared

$page->wait(".recent $first");
pass('what is over is with those before');
$page->click('role=button[name="Clear"]');
is($page->count($first), 0, 'until it is cleared');
is($page->count('.card:has-text("key 3")'), 1, 'what waits is not');

say('perm_cancel', $_) for qw(r7 k3);
$page->wait_text('.card:has-text("key 3")', 'Withdrawn');

$sled->close;
$t->finish(leaves => 'requests are remembered');

done_testing;
