#!/usr/bin/perl

# What a browser is refused: with a status before the upgrade, with
# terminal.error and a close code behind it.

use strict;
use warnings;

use Digest::SHA qw/ sha256_hex /;
use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Fleet;

my $t = Uplink::Fleet->new;

my %role = (olga => 'operator', vera => 'viewer', sam => 'sled',
    adam => 'admin');

$t->write_file('tokens', join '', map {
    "$_:$role{$_}:" . sha256_hex("$_-secret") . ":workspaces=w"
        . ($_ eq 'sam' ? ":agents=alpha" : '') . "\n"
} sort keys %role);

$t->fleet(<<'EOC')->run;
        uplink_open_timeout 300ms;
        uplink_handshake_timeout 500ms;
        uplink_max_terminals 2;

        location = /auth {
            uplink_terminal main issue=$arg_issue workspace=$arg_workspace_id
                            sled=$arg_sled;
            uplink_auth required;
            uplink_auth_tokens %%DIR%%/tokens;
        }
EOC

# ---- before the upgrade

sub status {
    my ($name, $query, $status, $code, %arg) = @_;

    my $ws = $t->handshake("/auth?$query", %arg);

    is($ws->{status}, $status, "$name: status");
    is(($ws->json // {})->{error}{code}, $code, "$name: code");
    $ws->close;
}

sub bearer { return (headers => [Authorization => "Bearer $_[0]"]) }

my $olga = 'olga-secret';

status('a wrong token', 'workspace_id=w&issue=i', 401, 'auth_failed',
    bearer('nobody'));
status('a wrong token as subprotocol', 'workspace_id=w&issue=i', 401,
    'auth_failed', protocol => 'uplink.v1, uplink.bearer.nobody');
status('a sled', 'workspace_id=w&issue=i', 403, 'forbidden',
    bearer('sam-secret'));
status('a viewer drives', 'workspace_id=w&issue=i', 403, 'forbidden',
    bearer('vera-secret'));
status('another workspace', 'workspace_id=x&issue=i', 403, 'forbidden',
    bearer($olga));
status('another origin', 'workspace_id=w&issue=i', 403, 'forbidden',
    headers => [Authorization => "Bearer $olga", Origin => 'http://evil']);
status('no workspace', 'issue=i', 400, 'bad_request', bearer($olga));
status('no issue', 'workspace_id=w', 400, 'bad_request', bearer($olga));
status("\"$_\"", "workspace_id=w&issue=i&$_", 400, 'bad_request',
    bearer($olga))
    for 'cols=10001', 'rows=-1', 'cols=x', 'mode=other', 'offset=1',
        'session=', 'session=s&offset=x', 'session=' . 's' x 129;

# ---- behind it

sub failure {
    my ($name, $ws, $code, $close) = @_;

    my $m = $ws->await('terminal.error');
    is($m->{payload}{code}, $code, "$name: $code");
    ok(length $m->{payload}{message}, "$name: a sentence");
    $ws->expect_close($close, "$name: closed");
}

my $query = 'workspace_id=w&issue=i';

my $ws = $t->ws("/auth?$query", protocol => 'uplink.v1');
$ws->send_json({ type => 'terminal.data', payload => { data_b64 => '' } });
failure('not auth', $ws, 'unauthorized', 1008);

$ws = $t->ws("/auth?$query", protocol => 'uplink.v1');
$ws->send_json({ type => 'auth', payload => { token => 'nobody' } });
failure('auth with a wrong token', $ws, 'unauthorized', 1008);

$ws = $t->ws("/auth?workspace_id=x&issue=i", protocol => 'uplink.v1');
$ws->send_json({ type => 'auth', payload => { token => $olga } });
failure('auth for another workspace', $ws, 'forbidden', 1008);

$ws = $t->ws("/auth?$query", protocol => 'uplink.v1');
failure('no auth', $ws, 'unauthorized', 1008);

$ws = $t->ws("/auth?$query", protocol => 'uplink.v1');
$ws->send_text('{"type":"auth","x":"' . 'x' x 4096 . '"}');
$ws->expect_close(1009, 'a first message of more than 4 KiB');

$ws = $t->ws("/auth?$query", protocol => 'uplink.v1');
$ws->send_json({ type => 'auth', payload => { token => $olga } });
ok($ws->await('auth_ack'), 'auth: acknowledged');
failure('no task', $ws, 'task_not_found', 1011);

$ws = $t->ws("/auth?$query",
    protocol => "uplink.v1, uplink.bearer.$olga");
is($ws->header('sec-websocket-protocol'), 'uplink.v1', 'a bearer');
failure('no task', $ws, 'task_not_found', 1011);

failure('no session', $t->browser(query => 'session=none'),
    'session_not_found', 1011);
failure('nothing to view', $t->browser(query => 'mode=view'),
    'session_not_found', 1011);
failure('no sled', $t->browser(path => '/shell', query => 'sled=alpha'),
    'sled_offline', 1011);

my $sled = $t->sled('alpha', at => 0);
$sled->tasks({ task_id => 't1', workspace_id => 'w', issue_id => 'i',
    work_dir => '/srv', owner => 'otto' }, { task_id => 't2',
    workspace_id => 'w', issue_id => 'none' }, { task_id => 't3',
    workspace_id => 'w', issue_id => 'k', work_dir => '/k' });

failure('no work_dir', $t->browser(path => '/term/none'),
    'task_not_found', 1011);

$ws = $t->ws("/auth?$query", protocol => 'uplink.v1', bearer($olga));
failure('the task of somebody else', $ws, 'forbidden', 1008);

my $adam = $t->ws("/auth?$query", protocol => 'uplink.v1',
    bearer('adam-secret'));
my ($open) = $sled->open($adam, 'a1');
is($open->{user_id}, 'adam', 'an admin may');

failure('no answer', my $late = $t->browser(path => '/term/k'),
    'open_timeout', 1011);
($open) = $sled->open(undef, 'late');
is_deeply($sled->await('terminal.close')->{payload},
    { session_id => 'late', reason => 'browser_disconnect' },
    'opened late, closed at once');

$ws = $t->browser(path => '/term/k');
$open = $sled->await('terminal.open');
$sled->say('terminal.error', request_id => $open->{payload}{request_id},
    code => 'spawn_failed', message => 'no shell');
failure('the sled refuses', $ws, 'spawn_failed', 1011);

my $second = $t->browser(path => '/term/k');
$sled->open($second, 'k1');
failure('a third of two', $t->browser(path => '/term/k'),
    'too_many_terminals', 1013);

$second->close;
is($sled->await('terminal.close')->{payload}{reason}, 'browser_disconnect',
    'a browser that has left');

$ws = $t->browser(path => '/term/k');
$open = $sled->await('terminal.open');
$sled->say('terminal.opened', session_id => 'a1',
    request_id => $open->{payload}{request_id});
failure('a session id twice', $ws, 'internal', 1011);
is($sled->await('error')->{payload}{code}, 'internal', 'the sled is told');

$sled->say('flow_control', action => 'pause');
ok($sled->quiet, 'paused');
failure('a sled that is paused', $t->browser(path => '/term/k'),
    'sled_paused', 1011);
$sled->say('flow_control', action => 'resume');
ok($sled->quiet, 'goes on');

$ws = $t->browser(path => '/shell', query => 'sled=alpha');
($open) = $sled->open($ws, 'shell');
is($open->{task_id}, '', 'a shell without a task');
$ws->send_text('{"type":"terminal.data","payload":{"data_b64":"=="}}')
    for 1 .. 7;
$ws->send_json({ type => 'unknown' });
$ws->send_text('nonsense') for 1 .. 7;
for (1 .. 14) {
    my $m = $ws->await('terminal.error');
    is($m->{payload}{code}, 'bad_request', "bad message $_");
}
$ws->send_text('nonsense');
failure('the eighth in a row', $ws, 'bad_request', 1008);

$ws = $t->browser(path => '/shell', query => 'sled=alpha');
$sled->open($ws, 'binary');
$ws->send_bin("\x01" . 'h' x 8 . 'x');
$ws->expect_close(1003, 'binary, not agreed');

my $rest = $t->http(GET => '/v1/terminals')->json->{terminals};
is(scalar @$rest, 1, 'GET terminals');
is($rest->[0]{session_id}, 'a1', 'GET terminals: the session');
is($t->http(DELETE => "/v1/terminals/$rest->[0]{handle}")->status, 204,
    'DELETE terminals');
is($sled->await(sub { $_[0]{type} eq 'terminal.close'
    && $_[0]{payload}{session_id} eq 'a1' })->{payload}{reason}, 'deleted',
    'the sled is told');
is($t->http(DELETE => "/v1/terminals/$rest->[0]{handle}")->status, 404,
    'DELETE terminals: gone');

$t->finish;

done_testing;
