"""A test BMC: pyghmi-bmc.py ADDRESS PORT DIRECTORY USER GUID|-

The password is the content of DIRECTORY/password. DIRECTORY/mode is read before each power request,
DIRECTORY/power is the truth, DIRECTORY/claimed what a lying BMC says, DIRECTORY/calls the log.
"""
import pathlib
import sys
import time

from pyghmi.ipmi import bmc

COMPLETION_CODES = {'fail': 0xFF, 'busy': 0xC0, 'denied': 0xD4, 'state': 0xD5}
APPLICATION, GET_SYSTEM_GUID = 6, 0x37


class TestBmc(bmc.Bmc):
    def __init__(self, directory, guid, **options):
        super().__init__(**options)
        self.directory = pathlib.Path(directory)
        self.guid = None if guid == '-' else list(bytes.fromhex(guid))

    def read(self, name):
        return (self.directory / name).read_text().strip()

    def write(self, name, text):
        (self.directory / name).write_text(text + '\n')

    def begin(self, call):
        with open(self.directory / 'calls', 'a') as calls:
            calls.write(call + '\n')
        mode, _, seconds = self.read('mode').partition(' ')
        if mode == 'slow':
            time.sleep(float(seconds))
        return mode

    def get_power_state(self):
        mode = self.begin('get power')
        if mode == 'blind':
            return 'on'
        return 'on' if self.read('claimed' if mode == 'lie' else 'power') == '1' else 'off'

    def set_power(self, value):
        mode = self.begin('set power ' + value)
        if mode in COMPLETION_CODES:
            return COMPLETION_CODES[mode]
        if mode != 'stuck':
            self.write('claimed', value)
        if mode not in ('lie', 'stuck'):
            self.write('power', value)
        return 0

    def power_off(self):
        return self.set_power('0')

    def power_on(self):
        return self.set_power('1')

    def handle_raw_request(self, request, session):
        wanted = (request['netfn'], request['command'])
        if wanted == (APPLICATION, GET_SYSTEM_GUID) and self.guid is not None:
            return session.send_ipmi_response(data=self.guid)
        return super().handle_raw_request(request, session)


address, port, directory, user, guid = sys.argv[1:]
password = (pathlib.Path(directory) / 'password').read_text().strip()
TestBmc(directory, guid, authdata={user: password}, address=address, port=int(port)).listen()
