#!/usr/bin/perl

# A permission request from sled to operator and back: what each side sees.

use strict;
use warnings;

use Test::More;

use Digest::SHA qw(sha256_hex);
use JSON::PP ();

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Test;
use Uplink::Sled;

my $t = Uplink::Test->new;

$t->write_file('tokens', join '',
    'alpha:sled:' . sha256_hex('alpha-secret') . ":workspaces=ws-1\n",
    'beta:sled:' . sha256_hex('beta-secret') . ":workspaces=ws-1,ws-2\n");

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_auth off;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        add_header X-Uplink-Port $uplink_port always;

        location = /sled { uplink_sled main; }
        location = /deny {
            uplink_sled main;
            uplink_no_operator deny;
        }
        location = /quick {
            uplink_sled main;
            uplink_permission_timeout 700ms;
            uplink_permission_max 1500ms;
        }
        location = /token {
            uplink_sled main;
            uplink_auth required;
            uplink_auth_tokens %%DIR%%/tokens;
        }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);

# the two in different workers

my $op = operator($t);
my $ws = sled($t, 'alpha', not_at => $op->header('x-uplink-port'));

# ---- what the operator sees: the payload as it was, bytes for bytes

my $input = '{ "b" : 1.0, "a":[ 1e3, "\u00e9/\\/" ] ,"c":null}';

$ws->send_text('{"req_id":"p1","payload":{ "tool_name":"Bash", "type":"x",'
    . '"sled":"y","tool_input": ' . $input . ' ,"req_id":"z",'
    . '"created_ms":1,"expires_ms":2,"input_sha256":"00",'
    . '"issue_id":"i-1","task_id":"t-1","description":"d","more":{"x":[]},'
    . '"workspace_id":"ws-1"},"type":"perm_request"}');

my $text = $op->recv->{payload};
my $m = JSON::PP->new->utf8->decode($text);

is($m->{type}, 'perm_request', 'type is the gateway\'s');
like($m->{req_id}, qr/^any-perm-[0-9a-f]{32}$/, 'req_id is the gateway\'s');
is($m->{sled}, 'alpha', 'sled is who asked');
is($m->{input_sha256}, sha256_hex($input), 'digest of the very bytes');
cmp_ok($m->{expires_ms} - $m->{created_ms}, '==', 120000, 'expires_ms');
like($text, qr/"tool_input": ?\Q$input\E/, 'tool_input as it was');
is_deeply([@$m{qw(tool_name issue_id task_id description workspace_id)}],
    [qw(Bash i-1 t-1 d ws-1)], 'its other members');
is_deeply($m->{more}, { x => [] }, 'and those nobody knows');

my $pending = $ws->recv_json;
is($pending->{type}, 'perm_pending', 'the sled hears that it is seen');
is($pending->{req_id}, 'p1', 'which one');
is_deeply($pending->{payload},
    { expires_ms => $m->{expires_ms}, operators => 1 }, 'until when, by whom');

# ---- what the sled gets

is(decide($t, $m->{req_id}, always_allow => $yes,
    updated_input => { command => 'ls -l' },
    reason => 'careful')->status, 200, 'approved');

my $answer = $ws->recv_json;

is_deeply([sort keys %$answer], [qw(payload req_id type)], 'three members');
is($answer->{type}, 'perm_response', 'perm_response');
is($answer->{req_id}, 'p1', 'req_id');

$answer = $answer->{payload};
is($answer->{approved}, $yes, 'approved');
is($answer->{always_allow}, $yes, 'always_allow');
is($answer->{reason}, 'operator', 'reason');
is_deeply($answer->{updated_input}, { command => 'ls -l' }, 'updated_input');
is($answer->{message}, 'careful', 'the operator\'s own words');

# denied, with words for the model

request($ws, "\x{20ac}");
$m = $op->await('perm_request');
is(decide($t, $m->{req_id}, approved => $no, reason => 'not "now"')->status,
    200, 'denied');
$answer = answer($ws, "\x{20ac}");
is($answer->{approved}, $no, 'not approved');
is($answer->{always_allow}, $no, 'always_allow is false');
is($answer->{reason}, 'operator', 'a person said so');
is($answer->{message}, 'not "now"', 'in these words');

# what is no decision leaves it open

request($ws, 'p3');
$m = $op->await('perm_request');

for (
    [{ approved => 'true' }, 400],
    [{ approved => $no, always_allow => $yes }, 400],
    [{ approved => $yes, input_sha256 => '0' x 64 }, 409],
) {
    my $r = decide($t, $m->{req_id}, %{$_->[0]});
    is($r->status, $_->[1], "no decision: " . $r->status);
}

$ws->await('perm_pending');
ok($ws->quiet, 'the sled hears nothing of these');
is(decide($t, $m->{req_id}, input_sha256 => $m->{input_sha256})->status, 200,
    'the right digest');
ok(answer($ws, 'p3')->{approved}, 'approved');

is(decide($t, $m->{req_id}, approved => $no)->status, 409, 'only once');
ok($ws->quiet, 'and said only once');

# ---- several operators, and one who comes late

my $late;

request($ws, 'p4');
$m = $op->await('perm_request');
is($ws->recv_json->{payload}{operators}, 1, 'one operator');

$late = operator($t);
is($late->await('perm_request')->{req_id}, $m->{req_id},
    'who comes late gets what is open');

say_to($ws, 'perm_cancel', 'p4');

for ($op, $late) {
    my $s = $_->await(sub {
        $_[0]{type} eq 'request_state' && $_[0]{req_id} eq $m->{req_id};
    });
    is($s->{state}, 'withdrawn', 'cancelled: all are told');
}

is(decide($t, $m->{req_id})->status, 409, 'too late to decide');
ok($ws->quiet || $ws->quiet, 'the sled hears no more of it');

# ---- extend, up to the maximum

my $quick = sled($t, 'quick', path => '/quick');
request($quick, 'q1');
$m = $op->await('perm_request');
my $first = $quick->recv_json->{payload}{expires_ms};

$op->send_json({ type => 'extend', req_id => $m->{req_id}, seconds => 60 });
$pending = $quick->await('perm_pending');
is($pending->{req_id}, 'q1', 'extended: the sled is told');
cmp_ok($pending->{payload}{expires_ms}, '>', $first, 'later');
cmp_ok($pending->{payload}{expires_ms}, '<=', $m->{created_ms} + 1510,
    'at most the maximum');
is(answer($quick, 'q1', 5)->{reason}, 'timeout', 'and then it is over');

# ---- an unregistered sled hears of nothing but answers

my $anon = $t->ws('/sled');
request($anon, 'n1');
$m = $op->await('perm_request');
decide($t, $m->{req_id});
is($anon->recv_json->{type}, 'perm_response', 'no perm_pending before');

# ---- no_operator: it is about who may see this very request

my $alone = sled($t, 'alone', path => '/deny');
request($alone, 'd1');
ok($op->await('perm_request'), 'somebody is there');
$alone->goodbye;

$_->goodbye for $op, $late;
ok($t->wait_for(sub {
    !$t->http(GET => '/status')->json->{operators}{connected};
}), 'nobody is left');

$op = operator($t, workspaces => ['ws-1']);
$alone = sled($t, 'alone', path => '/deny');
request($alone, 'd2');
is(answer($alone, 'd2')->{reason}, 'no_operator', 'not of his workspaces');
request($alone, 'd3', workspace_id => 'ws-2');
is(answer($alone, 'd3')->{reason}, 'no_operator', 'of another');
request($alone, 'd4', workspace_id => 'ws-1');
is($op->await('perm_request')->{workspace_id}, 'ws-1', 'of his own');
$alone->goodbye;

# ---- a token's only workspace goes without saying

my $keyed = sled($t, 'alpha', path => '/token', token => 'alpha-secret');
request($keyed, 'k1');
is($op->await('perm_request')->{workspace_id}, 'ws-1', 'assigned');
request($keyed, 'k2', workspace_id => undef);
is($op->await('perm_request')->{workspace_id}, 'ws-1', 'null is missing');

my $two = sled($t, 'beta', path => '/token', token => 'beta-secret');
request($two, 'k3');
request($two, 'k4', workspace_id => 'ws-1');
is($op->await('perm_request')->{tool_name}, 'Bash', 'of two none is assigned');
ok(!grep({ $_->{type} eq 'perm_request' } @{$op->{skipped} // []}),
    'nothing else came');

$_->goodbye for $ws, $quick, $anon, $keyed, $two;

$t->finish(leaves => 'sessions and ended requests stay');
done_testing;
