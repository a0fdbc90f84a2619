#!/usr/bin/perl

# Terminals for those who are not at one: in lists, as events, and ended from
# outside.

use strict;
use warnings;

use Digest::SHA qw/ sha256_hex /;
use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Uplink::Fleet;

my $t = Uplink::Fleet->new;

$t->write_file('tokens', join '', map {
    "$_->[0]:$_->[1]:" . sha256_hex("$_->[0]-secret")
        . ":workspaces=$_->[2]\n"
} ['vera', 'viewer', 'w'], ['victor', 'viewer', 'x'], ['adam', 'admin', 'w'],
  ['anna', 'admin', '*']);

$t->fleet(<<'EOC', size => '2m')->run;
        uplink_open_timeout 300ms;
        uplink_resume_window 20s;

        location /a/ {
            uplink_api main;
            uplink_auth required;
            uplink_auth_tokens %%DIR%%/tokens;
        }
EOC

sub api {
    my ($who, $method, $path, %arg) = @_;

    return $t->http($method => "/a/$path", %arg,
        headers => [Authorization => "Bearer $who-secret"]);
}

sub sessions {
    my ($who, $query) = @_;

    my $list = api($who, GET => 'terminals' . ($query // ''))->json;

    return [sort map { $_->{session_id} } @{$list->{terminals}}];
}

# the next event: its name, and its data

sub event {
    my ($stream) = @_;

    my $name;

    while (defined(my $line = $stream->line(5))) {
        $name = $1 if $line =~ /^event: (.*)/;
        return ($name, JSON::PP::decode_json($1)) if $line =~ /^data: (.*)/;
    }

    return;
}

my $sled = $t->sled('alpha', at => 0, features => {
    map { $_ => JSON::PP::true() } 'terminal.flow', 'terminal.replay' });
$sled->tasks({ task_id => 't1', workspace_id => 'w', issue_id => 'i',
    work_dir => '/srv', prior_session_id => 'p0' }, { task_id => 't2',
    workspace_id => 'x', issue_id => 'k', work_dir => '/k' });

my %stream = map {
    my $s = $t->start(GET => '/a/events', headers => [
        Authorization => "Bearer $_-secret"]);
    $s->head;
    $s->line;        # "retry", and the stream has begun
    ($_ => $s);
} qw(vera victor);

# ---- events: of those that were open, to those of its workspace

my $never = $t->browser;
$sled->await('terminal.open');
is($never->await('terminal.error')->{payload}{code}, 'open_timeout',
    'one that never opens is told to nobody');

my $browser = $t->browser(at => 1);
my ($open) = $sled->open($browser, 's1');
my ($name, $data) = event($stream{vera});
is($name, 'terminal', 'event: terminal');
is_deeply([sort keys %$data], [qw(handle sled state time)], 'its members');
is($data->{state}, 'opened', 'opened');
is($data->{handle}, $open->{handle}, 'by its handle');
is($data->{sled}, 'alpha', 'on its sled');

my $other = $t->browser(path => '/term/k', workspace => 'x');
my ($elsewhere) = $sled->open($other, 's2');
(undef, $data) = event($stream{victor});
is($data->{handle}, $elsewhere->{handle},
    'who is of another workspace hears of that one first');

# ---- lists

is_deeply(sessions('vera'), ['s1'], 'those of w');
is_deeply(sessions('victor'), ['s2'], 'those of x');
is_deeply(sessions('anna'), ['s1', 's2'], 'all of them');

my $page = api('anna', GET => 'terminals?limit=1')->json;
is(scalar @{$page->{terminals}}, 1, 'a page of one');
is($page->{next}, $page->{terminals}[0]{handle}, 'and what is behind it');
my $rest = api('anna', GET => "terminals?limit=1&after=$page->{next}")->json;
is($rest->{next}, undef, 'the last page');
is_deeply([sort map { $_->{terminals}[0]{session_id} } $page, $rest],
    ['s1', 's2'], 'both pages');
is(api('anna', GET => 'terminals?after=x')->status, 400, 'a bad page');

$sled->show('s1', 'x' x 100);
$browser->shown(100);
my $viewer = $t->browser(query => 'session=s1&mode=view&offset=100');
$viewer->await('terminal.opened');

my ($t1) = @{api('vera', GET => 'terminals')->json->{terminals}};
ok(abs(delete($t1->{created}) / 1000 - time) < 60, 'when it was opened');
is_deeply($t1, { handle => $open->{handle}, sled => 'alpha',
    session_id => 's1', state => 'open', task_id => 't1',
    workspace_id => 'w', issue_id => 'i', work_dir => '/srv',
    prior_session_id => 'p0', browsers => 2, offset => 100 },
    'all that is told of one');

my $back = $sled;
$sled->close(reset => 1);
$browser->await('terminal.state');
($t1) = @{api('vera', GET => 'terminals')->json->{terminals}};
is($t1->{state}, 'sled_away', 'the sled is away');
$sled = $t->sled('alpha', at => 1, resume => $back, features => {
    map { $_ => JSON::PP::true() } 'terminal.flow', 'terminal.replay' });
for (1, 2) {
    my $m = $sled->await('terminal.attach')->{payload};
    $sled->say('terminal.opened', offset => $m->{offset},
        map { $_ => $m->{$_} } qw(session_id request_id));
}
$browser->await('terminal.state');

# ---- the end

is(api('vera', DELETE => "terminals/$open->{handle}")->status, 403,
    'a viewer does not end one');
is(api('adam', DELETE => "terminals/$elsewhere->{handle}")->status, 404,
    'nor does the admin of another workspace');
is(api('adam', DELETE => "terminals/$_")->status, 404, "unknown: \"$_\"")
    for '0' x 16, 'x', $open->{handle} . '0';
is(api('adam', DELETE => "terminals/$open->{handle}")->status, 204,
    'its own does');

is_deeply($sled->await('terminal.close')->{payload}, { session_id => 's1',
    reason => 'deleted' }, 'the sled hears it');

for my $ws ($browser, $viewer) {
    is($ws->await('terminal.exit')->{payload}{reason}, 'deleted',
        'the browser hears it');
    $ws->expect_close(1000, 'and is closed');
}

(undef, $data) = event($stream{vera});
is($data->{handle}, $open->{handle}, 'an event, and nothing else');
is($data->{state}, 'closed', 'event: closed');

is(api('adam', DELETE => "terminals/$open->{handle}")->status, 404,
    'it is gone');
is_deeply(sessions('vera'), [], 'from the list, too');

$sled->say('terminal.exit', session_id => 's2', exit_code => 0);
$other->expect_close(1000, 'the other one ends by itself');

$_->close for values %stream;
$sled->send_close(1000);
$sled->close;

$t->finish;

done_testing;
