#!/usr/bin/perl

# PUT sleds/:id/tasks: on behalf of a sled, each task looked at by itself;
# GET sleds/:id/tasks: what stands.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use Test::More;
use Uplink::Sled;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->write_file('tokens', join '', map { sprintf "%s:%s:%s%s\n", $_->[0],
    $_->[1], sha256_hex("secret-$_->[0]"), $_->[2] // '' }
    ['ada', 'admin', ':workspaces=a,b'],
    ['bob', 'admin', ':workspaces=c'],
    ['root', 'admin', ':workspaces=*'],
    ['alpha', 'sled', ':workspaces=a,b']);

$t->conf(<<'EOC', workers => 2)->run;
uplink_zone main 1m;
uplink_max_tasks 100;

server {
    listen 127.0.0.1:%%PORT_0%%;
    add_header X-Uplink-Port $uplink_port always;

    uplink_auth_tokens tokens;

    location = /sled { uplink_sled main; }
    location /v1/ { uplink_api main; }
    location /few/ { uplink_api main; uplink_max_tasks 2; }
    location = /status { uplink_status main; }
}
EOC

sub call {
    my ($method, $path, $who, @body) = @_;

    return $t->http($method => $path, headers => [Authorization =>
        "Bearer secret-$who"], @body ? (json => $body[0]) : ());
}

sub put {
    my ($list, %arg) = @_;

    my $r = call(PUT => ($arg{api} // '/v1') . '/sleds/'
        . ($arg{sled} // 'alpha') . '/tasks', $arg{who} // 'ada',
        { tasks => $list, exists $arg{replace}
            ? (replace => $arg{replace}) : () });

    return $r->status == 200 ? $r->json : $r->status;
}

sub task {
    my ($id, %more) = @_;

    return { task_id => $id, workspace_id => 'a', issue_id => "i-$id",
        work_dir => '/w', %more };
}

sub stand { return call(GET => '/v1/sleds/alpha', 'ada')->json->{tasks} }

sub refused {
    my ($answer) = @_;

    return [map { "$_->{index} $_->{code}" } @{$answer->{refused}}];
}

is(put([]), 404, 'nobody has come yet');

my $sled = sled($t, 'alpha', headers => [Authorization =>
    'Bearer secret-alpha']);

is(stand(), 0, 'a sled without tasks');

# ---- how many, and what becomes of those that stood

is_deeply(put([task('t1'), task('t2')]), { accepted => 2, refused => [] },
    'two are taken');
is(stand(), 2, 'and stand');
is_deeply(put([task('t3')]), { accepted => 1, refused => [] },
    'replace is what happens');
is(stand(), 1, 'to all of them');
is_deeply(put([task('t4')], replace => \0), { accepted => 1, refused => [] },
    'or not');
is(stand(), 2, 'they add up');
put([task('t4', title => 'new')], replace => \0);
is(stand(), 2, 'the same id is the same task');
is_deeply(put([task('t1'), task('t1')]), { accepted => 2, refused => [] },
    'within one list, too');
is(stand(), 1, 'the later one stands');
is_deeply(put([]), { accepted => 0, refused => [] }, 'none at all');
is(stand(), 0, 'leaves none');

# ---- each field

my $long = 'x' x 1024;

for my $case (
    [['t'], 'bad_request'],
    [[undef], 'bad_request'],
    [[[]], 'bad_request'],
    [[{}], 'bad_request'],
    [[{ task_id => 't' }], 'bad_request'],
    [[{ workspace_id => 'a' }], 'bad_request'],
    [[{ task_id => 't', workspace_id => 'a' }], undef],
    [[task('')], 'bad_request'],
    [[task('t', workspace_id => '')], 'bad_request'],
    [[task('t', workspace_id => undef)], 'bad_request'],
    [[task('t', workspace_id => 'b')], undef],
    [[task('t', workspace_id => 'c')], 'forbidden'],
    [[task('t', workspace_id => '*')], 'forbidden'],
    [[task('t', map { $_ => undef } qw(issue_id work_dir owner
        prior_session_id title))], undef],
    [[task('t', map { $_ => '' } qw(issue_id work_dir owner
        prior_session_id title))], undef],
    [[task('t', more => [1], extra => 1)], undef],
    [[task(1)], 'bad_request'],
    (map { [[task('t', $_ => 1)], 'bad_request'],
           [[task('t', $_ => ['a'])], 'bad_request'],
           [[task('t', $_ => \1)], 'bad_request'],
           [[task('t', $_ => "a\0b")], 'bad_request'] }
        qw(workspace_id issue_id work_dir owner prior_session_id title)),
    (map { [[task('t', $_->[0] => 'x' x $_->[1])], undef],
           [[task('t', $_->[0] => 'x' x ($_->[1] + 1))], 'too_large'] }
        ['task_id', 128], ['issue_id', 128], ['owner', 128],
        ['prior_session_id', 128], ['work_dir', 1024], ['title', 1024]),
    [[task('t', work_dir => $long, title => $long, issue_id => 'x' x 128)],
        undef],
    [[task("\x{e9}\x{1f600}" x 20)], undef],
) {
    my ($list, $code) = @$case;

    my $name = JSON::PP->new->canonical->ascii->allow_nonref
        ->encode($list->[0]);
    my $answer = put($list);

    is_deeply($answer, { accepted => $code ? 0 : 1,
        refused => $code ? [{ index => 0, code => $code }] : [] },
        substr($name, 0, 60) . ': ' . ($code // 'taken'));
}

is_deeply(refused(put([task('t1'), {}, task('t2'), task('t3',
    workspace_id => 'z'), task('t4')])), ['1 bad_request', '3 forbidden'],
    'each by itself, in their order');
is(stand(), 3, 'the good ones stand');

# ---- the whole of it

for my $case (
    [{}, '"tasks" must be an array'],
    [{ tasks => {} }, '"tasks" must be an array'],
    [{ tasks => undef }, '"tasks" must be an array'],
    [{ tasks => [], replace => 1 }, '"replace" must be true or false'],
    [{ tasks => [], replace => 'no' }, '"replace" must be true or false'],
    [{ tasks => [(1) x 1125] }, '"tasks" has too many elements'],
) {
    my ($body, $message) = @$case;

    my $r = call(PUT => '/v1/sleds/alpha/tasks', 'ada', $body);
    is($r->status, 400, $message);
    is($r->json->{error}{message}, $message, 'in words');
}

is(stand(), 3, 'and nothing has changed');

# ---- how many may stand

my $answer = put([map { task("t$_") } 1 .. 103]);
is($answer->{accepted}, 100, 'uplink_max_tasks');
is_deeply(refused($answer), [map { "$_ too_many_tasks" } 100 .. 102],
    'the others are too many');
is_deeply(put([task('t100', title => 'x')], replace => \0),
    { accepted => 1, refused => [] }, 'one that stands can change');
is_deeply(refused(put([task('t101')], replace => \0)), ['0 too_many_tasks'],
    'no other can come');
is_deeply(refused(put([map { task("t$_") } 1 .. 3], api => '/few')),
    ['2 too_many_tasks'], 'the limit of the location of the call');
is(put([(1) x 1124])->{accepted}, 0, 'a long list of nothing');

# ---- whose sled it is, and whose tasks

is(put([task('t1')], who => 'bob'), 404, 'a sled of other workspaces');
is(put([task('t1', workspace_id => 'z')], who => 'root')->{accepted}, 1,
    'who sees all can say all');
is(put([task('t1')], sled => 'beta'), 404, 'no such sled');
is(put([task('t1')], sled => 'x' x 200), 404, 'nor could there be');

my $r = call(POST => '/v1/sleds/alpha/tasks', 'ada', {});
is($r->status, 405, 'no other method');
is($r->header('allow'), 'GET, HEAD, PUT', 'than those');

# ---- what stands, in pages, as far as one may see it

sub list {
    my ($query, %arg) = @_;

    my $r = call(GET => '/v1/sleds/' . ($arg{sled} // 'alpha') . '/tasks'
        . ($query && "?$query"), $arg{who} // 'ada');

    return $r->status == 200 ? $r->json : $r->status;
}

my %one = (%{task('only')}, map { $_ => "$_ \x{e9}\"<\x{1f600}" }
    qw(issue_id work_dir owner prior_session_id title));

put([\%one]);
is_deeply(list(''), { tasks => [\%one], next => undef }, 'all of a task');
put([{ task_id => 't', workspace_id => 'a' }]);
is_deeply(list('')->{tasks}, [{ task_id => 't', workspace_id => 'a' }],
    'or what it has');
put([]);
is_deeply(list(''), { tasks => [], next => undef }, 'none');

put([map { task("p$_", work_dir => $long, title => $long) } 1 .. 60]);

for my $limit (1, 7, 59, 60, 61, 1000) {
    my (@seen, $after);

    for (1 .. 100) {
        my $page = list("limit=$limit" . (defined $after ? "&after=$after"
            : ''));
        push @seen, map { $_->{task_id} } @{$page->{tasks}};
        cmp_ok(@{$page->{tasks}}, '<=', $limit, "a page of $limit")
            if @{$page->{tasks}} > $limit;
        $after = $page->{next} // last;
    }

    is_deeply([sort @seen], [sort map { "p$_" } 1 .. 60],
        "pages of $limit: each once");
}

put([task('mine'), task('other', workspace_id => 'z')], who => 'root');
is_deeply([map { $_->{task_id} } @{list('')->{tasks}}], ['mine'],
    'those of other workspaces are not seen');
is(scalar @{list('', who => 'root')->{tasks}}, 2, 'but by who sees all');

# many that are not seen are passed over, a bounded number at a time

put([task('mine'), map { task("o$_", workspace_id => 'z') } 1 .. 99],
    who => 'root');
is_deeply([map { $_->{task_id} } @{list('limit=2')->{tasks}}], ['mine'],
    'one among many');

is(list('', who => 'bob'), 404, 'of a sled of other workspaces: none');
is(list('', sled => 'beta'), 404, 'of no sled');
is(list('limit=0'), 400, 'no limit of none');

# ---- in the other worker, after it was killed, after a reload

# a call lands in either worker: until it was this one

sub put_at {
    my ($port, $list) = @_;

    return $t->wait_for(sub {
        my $r = call(PUT => '/v1/sleds/alpha/tasks', 'ada',
            { tasks => $list });
        return $r->header('x-uplink-port') eq $port && $r;
    });
}

my $here = $sled->header('x-uplink-port');
my ($there) = grep { $_ ne $here } map { $_->{port} }
    @{$t->http(GET => '/status')->json->{workers}};

for my $port ($here, $there) {
    my $r = put_at($port, [map { task("n$_") } 1 .. $port + 3]);
    is($r && $r->json->{accepted}, $port + 3, 'by either worker');
    is(stand(), $port + 3, 'they are the tasks of the sled');
}

my ($other) = grep { $_ != $t->pid_of($sled) } $t->workers;

$t->kill9($other);
is(put([task('k')])->{accepted}, 1, 'a worker is killed');
is(stand(), 1, 'the sled has its tasks');

$t->reload(wait => 'new');
is(put([task('l')], replace => \0)->{accepted}, 1, 'a reload');
is(stand(), 2, 'the sled has its tasks');

my $drain = $sled->await('drain');
ok($drain, 'and comes back');
$sled = sled($t, 'alpha', resume => $sled->{registered},
    headers => [Authorization => 'Bearer secret-alpha']);
ok($sled->{registered}{resumed}, 'for the rest of its life');
is(stand(), 2, 'they are still there');

$sled->send_close(1000);
ok($t->wait_for(sub { put([]) eq '404' }), 'they go with their sled');

$t->finish;

done_testing;
