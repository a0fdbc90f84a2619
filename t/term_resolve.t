#!/usr/bin/perl

# uplink_resolve: another server names the sled and the task.

use strict;
use warnings;

use Digest::SHA qw/ sha256_hex /;
use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Fleet;

my $t = Uplink::Fleet->new;

$t->write_file('tokens', join '', map {
    "$_:operator:" . sha256_hex("$_-secret") . ":workspaces=w\n" } qw(a b));

my %answers = (
    good => '{"agent_id":"alpha","task_id":"t7","work_dir":"/r",'
        . '"workspace_id":"w","prior_session_id":"p1","more":{}}',
    owned => '{"agent_id":"alpha","work_dir":"/r","owner":"a"}',
    foreign => '{"agent_id":"alpha","work_dir":"/r","workspace_id":"x"}',
    nowhere => '{"agent_id":"alpha","work_dir":""}',
    offline => '{"agent_id":"beta","work_dir":"/r"}',
    odd => '{"agent_id":7,"work_dir":"/r"}',
    nonsense => 'nonsense',
    empty => '',
);

my $locations = join "\n", map {
    "location = /resolve/$_ { internal; default_type application/json;"
        . " return 200 '$answers{$_}'; }" } sort keys %answers;

$t->fleet(<<"EOC")->run;
        location ~ ^/r/([^/]+)\$ {
            uplink_terminal main issue=\$1 workspace=\$arg_workspace_id
                            sled=\$arg_sled;
            uplink_resolve /resolve/\$1;
        }

        location ~ ^/a/([^/]+)\$ {
            uplink_terminal main issue=\$1 workspace=\$arg_workspace_id;
            uplink_resolve /resolve/\$1;
            uplink_auth required;
            uplink_auth_tokens %%DIR%%/tokens;
        }

        $locations
        location = /resolve/forbidden { internal; return 403; }
        location = /resolve/broken { internal; return 500; }
        location = /resolve/proxied {
            internal;
            proxy_pass http://127.0.0.1:%%PORT_0%%/upstream;
            proxy_set_header Connection "";
            proxy_set_header Upgrade "";
        }
        location = /upstream { return 200 '$answers{good}'; }
EOC

my $sled = $t->sled('alpha');

for my $issue ('good', 'proxied') {
    my $browser = $t->browser(path => "/r/$issue");
    my ($open) = $sled->open($browser, "s-$issue");

    is($open->{task_id}, 't7', "$issue: task_id");
    is($open->{work_dir}, '/r', "$issue: work_dir");
    is($open->{prior_session_id}, 'p1', "$issue: prior_session_id");
    is($open->{issue_id}, $issue, "$issue: issue_id");

    $browser->type('x');
    is($sled->typed(1), 'x', "$issue: it works");

    my $viewer = $t->browser(path => "/r/$issue", query => 'mode=view');
    is($viewer->await('terminal.opened')->{payload}{session_id},
        "s-$issue", "$issue: to view it nobody is asked");
    $sled->say('terminal.exit', session_id => "s-$issue", exit_code => 0);
    $browser->expect_close(1000, "$issue: ends");
}

my $shell = $t->browser(path => '/r/broken', query => 'sled=alpha');
my ($open) = $sled->open($shell, 'shell');
is($open->{task_id}, '', 'a sled that is named');
$shell->close;

my %codes = (foreign => 'workspace_mismatch', nowhere => 'task_not_found',
    offline => 'sled_offline', odd => 'internal', nonsense => 'internal',
    empty => 'internal', broken => 'internal', forbidden => 'forbidden',
    unknown => 'task_not_found');

for my $issue (sort keys %codes) {
    my $browser = $t->browser(path => "/r/$issue");
    is(($browser->await('terminal.error') // {})->{payload}{code},
        $codes{$issue}, "$issue: $codes{$issue}");
    $browser->expect_close($issue eq 'forbidden' ? 1008 : 1011,
        "$issue: closed");
}

# ---- with credentials, in the request and in the first message

my %bearer = map { $_ => [Authorization => "Bearer $_-secret"] } qw(a b);

my $browser = $t->browser(path => '/a/owned', headers => $bearer{b});
is($browser->await('terminal.error')->{payload}{code}, 'forbidden',
    'the task of somebody else');

$browser = $t->browser(path => '/a/owned', headers => $bearer{a});
($open) = $sled->open($browser, 'own');
is($open->{user_id}, 'a', 'its own');

$browser = $t->browser(path => '/a/good');
$browser->send_json({ type => 'auth', payload => { token => 'b-secret' } });
ok($browser->await('auth_ack'), 'auth');
($open) = $sled->open($browser, 'late');
is($open->{task_id}, 't7', 'resolved for who says it later');

is($t->handshake('/a/good?workspace_id=w',
    headers => [Authorization => 'Bearer wrong'])->{status}, 401,
    'a wrong token');

$t->finish;

done_testing;
