#!/usr/bin/perl

# Every event of an audit log: who asked, who decided what, by which door and
# from where, what became of it; terminals, sleds, operators.  Each line once,
# whatever worker it happened in, and in chains that are whole.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use MIME::Base64 ();
use Test::More;
use Uplink::Audit;

my ($true, $false) = (JSON::PP::true, JSON::PP::false);

my $t = Uplink::Audit->new;

my %token = map { $_ => "$_-secret-of-the-test" } qw(alpha ann root bot);
my $tokens = join '', map { "$_->[0]:$_->[1]:" . sha256_hex($token{$_->[0]})
    . ":workspaces=$_->[2]$_->[3]\n" }
    [alpha => 'sled', 'w', ':agents=alpha,alpha2,alpha3'],
    [ann => 'operator', 'w', ''], [root => 'admin,operator', '*', ''],
    [bot => 'engine', '*', ''];

$t->write_file('tokens', $tokens);

# realip: the address of the client, not that of the proxy

$t->audit('', <<'EOC', memory => '1s',
    uplink_permission_timeout 60s;
    uplink_max_connections_per_agent 1;
    uplink_resume_window 0;
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;
EOC
    auth => 'uplink_auth_tokens %%DIR%%/tokens;')->run;

sub as {
    my ($who, $from) = @_;

    return ('X-Real-IP' => $from, Authorization => "Bearer $token{$who}");
}

sub call {
    my ($who, $from, $method, $path, @more) = @_;

    return $t->http($method => $path, headers => [as($who, $from)], @more);
}

# a line's members, but for those of every line

sub is_said {
    my ($line, $expected, $name) = @_;

    my %rest = %{$line // {}};
    delete @rest{qw(chain seq prev time_ms fleet event again_chain again_seq)};
    delete $rest{$_} for grep { !defined $expected->{$_} } keys %$expected;
    my %wanted = map { $_ => $expected->{$_} }
        grep { defined $expected->{$_} } keys %$expected;

    is_deeply(\%rest, \%wanted, $name) or diag explain $line;
    return;
}

# ---- sleds

my $sled = $t->sled('alpha', at => 0, headers => [as('alpha', '10.1.1.1')]);

is_said($t->await_said('sled_admitted', sled => 'alpha',
        connection_id => $sled->{registered}{connection_id}),
    { sled => 'alpha', connection_id => $sled->{registered}{connection_id},
      user => 'alpha', door => 'sled', from => '10.1.1.1',
      registered => $true, resumed => $false }, 'a sled is admitted');

eval { $t->sled('alpha', headers => [as('alpha', '10.1.1.2')]) };
like($@, qr/too_many_connections/, 'another one of its name is not');
is_said($t->await_said('sled_refused'), { sled => 'alpha', user => 'alpha',
    door => 'sled', from => '10.1.1.2', code => 'too_many_connections' },
    'that is said, too');

# ---- operators

my $made = call(ann => '10.2.2.1', POST => '/v1/operators', json => {})->json;
$t->{sessions} = {};

is_said($t->await_said('session_created'), { sid => $made->{sid},
    user => 'ann', door => 'api', from => '10.2.2.1' }, 'a session is made');

my $op = bless $t->ws("/v1/operators/$made->{sid}/ws", headers => [
    'X-Real-IP' => '10.2.2.2', Authorization => "Bearer $made->{token}"]),
    'Uplink::Fleet::Operator';

is_said($t->await_said('operator_joined'), { sid => $made->{sid},
    user => 'ann', door => 'operator', from => '10.2.2.2' },
    'an operator joins');

# ---- a request and all that becomes of it

my $bytes = '{ "command" : "rm -rf \\u0001 \"x\"",  "n":1.50 }';

sub ask {
    my ($id, $input) = @_;

    $sled->send_text(qq|{"type":"perm_request","req_id":"$id","payload":|
        . qq|{"tool_name":"Ba\\"sh","tool_input":$input,|
        . q|"task_id":"task-1"}}|);

    return $op->await('perm_request');
}

my $q = ask('r1', $bytes);
my $id = $q->{req_id};

my $asked = $t->await_said('asked');
is_said($asked, { req_id => $id, kind => 'perm_request', sled => 'alpha',
    sled_req_id => 'r1', user => 'alpha', door => 'sled',
    from => '10.1.1.1', workspace_id => 'w', task_id => 'task-1',
    tool_name => 'Ba"sh', input_sha256 => sha256_hex($bytes),
    expires_ms => $q->{expires_ms} }, 'who asked, and what');

$op->send_json({ type => 'extend', req_id => $id, seconds => 5 });
my $line = $t->await_said('extended');
is_said($line, { req_id => $id, sled => 'alpha', sid => $made->{sid},
    user => 'ann', door => 'operator', from => '10.2.2.2',
    expires_ms => $q->{expires_ms} + 5000 }, 'it is extended');

$op->decide($q, approved => $true, always_allow => $true,
    reason => 'go on', updated_input => { x => 1 });
is_said($t->await_said('decided'), { req_id => $id, kind => 'perm_request',
    sled => 'alpha', workspace_id => 'w', sid => $made->{sid},
    user => 'ann', door => 'operator', from => '10.2.2.2',
    approved => $true, always_allow => $true, message => 'go on',
    input_sha256 => sha256_hex($bytes),
    updated_input_sha256 => sha256_hex('{"x":1}'), duration_ms => undef },
    'who decided what');

is_said($t->await_said('delivered'), { req_id => $id, sled => 'alpha',
    duration_ms => undef }, 'it is delivered');
$sled->answers('r1');
$sled->send_json({ type => 'perm_applied', req_id => 'r1',
    payload => { applied => $true } });
is_said($t->await_said('applied'), { req_id => $id, sled => 'alpha',
    duration_ms => undef }, 'and applied');

# denied over REST by somebody without a session; not applied

$q = ask('r2', '1');
is(call(root => '10.3.3.3', POST => "/v1/requests/$q->{req_id}/decision",
    json => { approved => $false, reason => 'no' })->status, 200, 'denied');
is_said($t->await_said('decided', req_id => $q->{req_id}),
    { req_id => $q->{req_id}, kind => 'perm_request', sled => 'alpha',
      workspace_id => 'w', user => 'root', door => 'api', from => '10.3.3.3',
      approved => $false, always_allow => $false, message => 'no',
      input_sha256 => sha256_hex('1'), duration_ms => undef },
    'a denial over REST');
$sled->answers('r2');
$sled->send_json({ type => 'perm_applied', req_id => 'r2',
    payload => { applied => $false } });
ok($t->await_said('failed', req_id => $q->{req_id}), 'it failed');

# withdrawn by the sled; refused at once

$q = ask('r3', '{}');
$sled->send_json({ type => 'perm_cancel', req_id => 'r3' });
is_said($t->await_said('withdrawn'), { req_id => $q->{req_id},
    kind => 'perm_request', sled => 'alpha', workspace_id => 'w',
    reason => 'cancelled', duration_ms => undef }, 'one is withdrawn');

$sled->send_json({ type => 'perm_request', req_id => 'r4',
    payload => { tool_name => 'T', workspace_id => 'w' } });
is_said($t->await_said('refused'), { kind => 'perm_request', sled => 'alpha',
    sled_req_id => 'r4', user => 'alpha', door => 'sled',
    from => '10.1.1.1', tool_name => 'T', code => 'bad_request' },
    'one is refused at once');

# asked over REST, and nobody decides

my $r = call(bot => '10.4.4.4', POST => '/v1/permissions?wait=1',
    json => { tool_name => 'Bot', tool_input => {}, workspace_id => 'w' });
is($r->json->{reason}, 'timeout', 'nobody decided');
my ($bot) = $t->said('asked', user => 'bot');
is($bot->{door}, 'api', 'an engine asks over REST');
is($bot->{from}, '10.4.4.4', 'from its address');
is_said($t->await_said('expired'), { req_id => $bot->{req_id},
    kind => 'perm_request', sled => 'bot', workspace_id => 'w',
    reason => 'timeout', duration_ms => undef }, 'it expires');

# a question to one operator

$sled->send_json({ type => 'ask', req_id => 'q1', payload => {
    operator => $made->{sid}, task_id => 'task-1', question => '?' } });
$q = $op->await('ask');
is($t->await_said('asked', sled_req_id => 'q1')->{operator}, $made->{sid},
    'a question, and to whom');
$op->send_json({ type => 'answer', req_id => $q->{req_id}, value => 1 });
is($t->await_said('decided', req_id => $q->{req_id})->{kind}, 'ask',
    'its answer');

# ---- terminals

$sled->tasks;

sub at_terminal {
    my ($who, $from, $query) = @_;

    return $t->browser(headers => [as($who, $from)], query => $query);
}

my $browser = at_terminal(ann => '10.5.5.5');
my ($open, $opened) = $sled->open($browser, 's1');

my %about = (sled => 'alpha', workspace_id => 'w', issue_id => 'i',
    task_id => 't1');
my $terminal = $t->await_said('terminal_asked');
my $handle = $terminal->{handle};

is($handle, $opened->{handle}, 'the handle is the terminal\'s');
is_said($terminal, { %about, handle => $handle, user => 'ann',
    door => 'terminal', from => '10.5.5.5', work_dir => '/srv/work' },
    'a terminal is asked for');
is_said($t->await_said('terminal_opened'), { %about, handle => $handle,
    user => 'ann', session_id => 's1' }, 'and opened');

my $viewer = at_terminal(root => '10.5.5.6', 'mode=view&session=s1');
is_said($t->await_said('terminal_joined'), { handle => $handle,
    sled => 'alpha', user => 'root', door => 'terminal',
    from => '10.5.5.6', session_id => 's1', mode => 'view' },
    'somebody looks on');
$sled->replay('s1', '') if $sled->readable;

my $lost = at_terminal(ann => '10.5.5.7', 'session=none');
is_said($t->await_said('terminal_refused'), { user => 'ann',
    door => 'terminal', from => '10.5.5.7', workspace_id => 'w',
    issue_id => 'i', session_id => 'none', code => 'session_not_found' },
    'somebody is refused');

$browser->type('12345');
$sled->typed(5);
$sled->show('s1', 'x' x 300);
is(length $browser->shown(300), 300, 'data both ways');

$viewer->close;
ok($t->await_said('terminal_left', mode => 'view'), 'the viewer leaves');

$sled->say('terminal.exit', session_id => 's1', exit_code => 3);
$line = $t->await_said('terminal_ended');
cmp_ok($line->{duration_ms} // -1, '>=', 0, 'how long it was');
is_said($line, { %about, handle => $handle, user => 'ann',
    session_id => 's1', exit_code => 3, bytes_in => 5, bytes_out => 300,
    duration_ms => undef }, 'how it ended');
ok($t->await_said('terminal_left', mode => 'drive'), 'the driver leaves');

my $second = at_terminal(ann => '10.5.5.5');
(undef, $opened) = $sled->open($second, 's2');
is(call(root => '10.6.6.6', DELETE => "/v1/terminals/$opened->{handle}")
    ->status, 204, 'a terminal is deleted');
is_said($t->await_said('terminal_deleted'), { handle => $opened->{handle},
    sled => 'alpha', user => 'root', door => 'api', from => '10.6.6.6' },
    'by whom');
is($t->await_said('terminal_ended', session_id => 's2')->{reason}, 'deleted',
    'and how it ended');

# ---- they leave

is(call(root => '10.7.7.7', DELETE => '/v1/sleds/alpha')->status, 204,
    'the sled is kicked');
is_said($t->await_said('sled_kicked'), { sled => 'alpha', user => 'root',
    door => 'api', from => '10.7.7.7' }, 'by whom');
is_said($t->await_said('sled_left'), { sled => 'alpha',
    connection_id => $sled->{registered}{connection_id} }, 'it is gone');

$t->http(DELETE => "/v1/operators/$made->{sid}",
    headers => [Authorization => "Bearer $made->{token}"]);
is_said($t->await_said('session_deleted'), { sid => $made->{sid},
    user => 'ann', door => 'api', from => '127.0.0.1' },
    'the session is deleted');
is_said($t->await_said('operator_left'), { sid => $made->{sid},
    user => 'ann' }, 'its operator left');

$t->finish;

# ---- the whole of it

my %n;
$n{$_->{event}}++ for $t->lines;

is($n{asked}, $n{decided} + $n{expired} + $n{withdrawn}, 'all that was asked '
    . 'came to an end');
is($n{started}, 2, 'two chains');
is($n{stopped}, 2, 'both are closed');

my ($code, $text) = $t->verify;
is($code, 0, 'the chains are whole') or diag $text;
like($text, qr/^\d+ lines in 2 chains: whole$/, 'and that is said');

# members are those of the table, and of no other event

my $table = $t->read_file("$Uplink::Test::root/src/fleet/journal.h");
my ($events) = $table =~ /NGX_UPLINK_AUDIT_EVENTS\(_\)(.*?)\n\n/s;
my %members;

while ($events =~ /_\((\w+),((?:[\s\\]*"[^"]*")+)\)/g) {
    my ($event, $names) = ($1, $2);
    $members{$event}{$_} = 1 for map { split } $names =~ /"([^"]*)"/g;
}

my %seen;

for my $l ($t->lines) {
    my ($event) = $l->{event};
    $seen{$event} = 1;

    for my $name (keys %$l) {
        next if $name =~ /^(?:chain|seq|prev|time_ms|fleet|event|again_\w+)$/;
        fail("$event has $name") if !$members{$event}{$name};
    }
}

# those of other tests: audit_kill.t, audit_full.t, audit_rotate.t

my @others = qw(lost emptied worker_lost approving not_approved sled_away);
is_deeply([sort keys %members], [sort keys %seen, @others], 'every event');

my $all = $t->read_file('audit.log');
unlike($all, qr/secret-of-the-test|\Q$made->{token}\E/, 'no secret');
is($all =~ tr/\n//, scalar $t->lines, 'one line each');

done_testing;
