#!/usr/bin/perl

# Who may use the console: a token that is typed in and kept nowhere, a
# cookie, an identity from nginx, somebody who may only look.
#
# not with sanitizers: it is about the page

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Test::More;
use Uplink::Console;

my $t = Uplink::Console->new;

$t->write_file('tokens', join '', map { "$_->[0]:$_->[1]:"
    . sha256_hex("$_->[0]-secret") . ":workspaces=*\n" }
    [ada => 'operator'], [eve => 'viewer'], [root => 'admin'],
    [bot => 'engine']);

$t->conf(<<'EOC');
    uplink_zone main 4m;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        uplink_auth_tokens %%DIR%%/tokens;
        uplink_auth_cookie pass;
        uplink_request_memory 60s;

        location /console/ { uplink_console main; }
        location /v1/      { uplink_api main; }

        location /named/   { uplink_console main api=/named-v1; }
        location /named-v1/ {
            uplink_api main;
            uplink_identity $http_x_user;
        }

        location /lost/    { uplink_console main api=/nothing; }
        location /nothing/ { return 503; }

        location = /status { uplink_status main; }
    }
EOC
$t->run;

sub sessions {
    my $list = $t->http(GET => '/v1/operators', headers => [Authorization =>
        'Bearer root-secret'])->json;

    return @{$list->{operators}};
}

sub ask {
    my ($command) = @_;

    return $t->http(POST => '/v1/permissions?wait=0', json => {
        tool_name => 'Bash', tool_input => { command => $command },
        sled => 'bot' }, headers => [Authorization => 'Bearer bot-secret']);
}

# ---- a token

my $page = $t->visit;
$page->wait('#token');
is($page->eval('document.activeElement.id'), 'token', 'asked for');
is($page->count('nav a:visible'), 0, 'nothing else to see');
$page->axe('sign in');
$page->shot('signin-desktop-light');

$page->type("wrong-secret");
$page->press('Enter');
$page->wait_text('.signin .error', 'This token is not accepted.');
$page->fill('#token', 'two words');
$page->press('Enter');
$page->wait_text('.signin .error', 'no spaces');
$page->fill('#token', 'ada-secret');
$page->press('Enter');
$page->wait('.link[data-state="online"]', 'attached');
is(scalar(sessions()), 1, 'a session');
is((sessions())[0]{name}, 'ada', 'of whom it is');

ask('make it so');
my $card = $t->card($page, 'make it so');
$t->press($page, $card, 'Always');
$page->wait_text($card, 'Approved by you');

is($page->eval('JSON.stringify([{...localStorage}, {...sessionStorage},
    document.cookie, location.href, document.documentElement.outerHTML])
    .match(/ada-secret|S-[0-9a-f]{8,}\.[\w-]+/)'), undef,
    'no secret is kept anywhere');

# lists are the person's own business

$page->press('2');
$page->wait('main[data-view="fleet"]');
$page->press('1');

# ---- reloaded: signed out, and the session is gone

$page->reload;
$page->wait('#token');
ok($t->wait_for(sub { !sessions() }), 'the session went with the page');

$page->fill('#token', 'ada-secret');
$page->press('Enter');
$page->wait('.link[data-state="online"]', 'attached');
$page->click('role=button[name="Sign out"]');
$page->wait('#token');
ok($t->wait_for(sub { !sessions() }), 'signed out');

# ---- somebody ends the session

$page->fill('#token', 'ada-secret');
$page->press('Enter');
$page->wait('.link[data-state="online"]', 'attached');
$t->http(DELETE => '/v1/operators/' . (sessions())[0]{sid},
    headers => [Authorization => 'Bearer root-secret']);
$page->wait_text('.signin .error', 'Your session was ended.');
$page->click('role=button[name="Sign in again"]');
$page->wait('.link[data-state="online"]', 'attached');
pass('and signs in again');
$page->close;

# ---- who may only look

$page = $t->visit;
$page->fill('#token', 'eve-secret');
$page->press('Enter');
$page->wait('.link[data-state="forbidden"]', 'attached');
is($page->text('.link'), 'Read only', 'says so');
my $id = ask('look at this')->json->{req_id};
$card = $t->card($page, 'look at this');
is($page->text("$card .foot"), 'You may look, not answer.', 'no buttons');
is($page->count("$card button"), 0, 'none');
$page->press('j', 'a');
$t->http(POST => "/v1/requests/$id/decision", json => { approved => \1 },
    headers => [Authorization => 'Bearer ada-secret']);
$page->wait_text($card, 'Approved by ada');
pass('and sees how it ends');
$page->close;

# ---- a cookie

$page = $t->visit;
$page->wait('#token');
$page->run('await page.context().addCookies([{ name: "pass", path: "/",
    domain: "127.0.0.1", value: "ada-secret", httpOnly: true,
    sameSite: "Strict" }])');
$page->reload;
$page->wait('.link[data-state="online"]', 'attached');
is((sessions())[0]{name}, 'ada', 'by a cookie');
is($page->count('role=button[name="Sign out"]'), 0, 'nothing to sign out of');
$page->close;

# ---- nginx knows who it is

my $url = 'http://127.0.0.1:' . $t->port;
$page = $t->browser_process->page("$url/named/",
    headers => { 'X-User' => 'grace' });
$page->wait('.link[data-state="online"]', 'attached');
is((sessions())[0]{name}, 'grace', 'by an identity');
$page->close;

# ---- no gateway behind it

$page = $t->browser_process->page("$url/lost/");
$page->wait_text('.link', 'Reconnecting');
$page->wait_text('.signin', 'tries again by itself');
pass('says so, and goes on trying');
$page->close;

$t->finish(leaves => 'requests are remembered');

done_testing;
